// The servers that help media through NAT, as Tokens hand them out (rest-api.md 15).

export interface IceServer {
  readonly urls: string;
  readonly username?: string;
  readonly credential?: string;
}

export interface IceToken {
  readonly username: string;
  readonly password: string;
  readonly servers: readonly IceServer[];
}

export interface IceServersApi {
  /** Credentials that hold for so long. */
  issue(accountSid: string, ttlSeconds: number): IceToken;
}
