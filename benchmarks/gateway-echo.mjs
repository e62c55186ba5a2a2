// The function behind the gateway in gateway.mjs.
export const handler = async ({ body }) => ({ statusCode: 200, body });
