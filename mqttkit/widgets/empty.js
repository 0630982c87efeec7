import { define } from "./base.js";

export default define(() => ({ snapshot() {} }));
