export {
  type ReadYourWritesMiddleware,
  type ReadYourWritesOptions,
  readYourWrites,
  type SessionDatabase,
} from "./http/read-your-writes.ts";
