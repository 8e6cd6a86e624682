# Hookswitch in a container: Node 24 from the base image, espeak-ng for speech, the native media thread, no build tools in the result.

# What runs: no development packages, and none of the optional ones (the base image has Node, Debian has espeak-ng).
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional

# The compiler is a program for each platform, which npm installs as an optional package: nothing is left out here.
FROM node:24-bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json ./
COPY src ./src
RUN npm run build && npm run build:native && chmod +x dist/main.js

FROM node:24-bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends espeak-ng && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/build ./build
COPY package.json LICENSE ./
RUN ln -s /app/dist/main.js /usr/local/bin/hookswitch && mkdir /data /certs && chown node:node /data /certs
ENV NODE_ENV=production HOOKSWITCH_DATA_DIR=/data HOOKSWITCH_CERT_DIR=/certs
VOLUME ["/data", "/certs"]
USER node
# Node itself is process 1, so that SIGTERM reaches it: it drains.
CMD ["node", "dist/main.js", "serve"]
