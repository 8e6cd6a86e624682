# Hookswitch in a container: Node 24 from the base image, espeak-ng for speech, no build tools in the result.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json tsconfig.json ./
RUN npm ci --omit=optional
COPY src ./src
RUN npx tsc -p tsconfig.json --noEmit false --outDir dist --rootDir src && npm prune --omit=dev --omit=optional

FROM node:24-bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends espeak-ng && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
RUN mkdir /data /certs && chown node:node /data /certs
ENV HOOKSWITCH_DATA_DIR=/data HOOKSWITCH_CERT_DIR=/certs
VOLUME ["/data", "/certs"]
USER node
# Node itself is process 1, so that SIGTERM reaches it: it drains.
CMD ["node", "dist/main.js", "serve"]
