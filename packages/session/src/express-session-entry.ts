export {
  type ExpressSessionMethods,
  type ExpressSessionStoreOptions,
  toExpressSessionStore,
} from "./express-session/express-session-store.ts";
