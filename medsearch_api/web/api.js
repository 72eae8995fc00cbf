// Asking the service. Queries are POSTed: words that were searched for never stand in an address.

export class Failure extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** The data of a query's answer. Throws a Failure, or the abort of `signal`. */
export async function ask(query, variables = {}, signal = undefined) {
  let response;
  try {
    response = await fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("UNREACHABLE", "The service does not answer.");
  }
  if (response.status === 401) throw new Failure("UNAUTHENTICATED", "Your session has ended.");
  if (!response.ok) throw new Failure("REFUSED", `The service refused the request (${response.status}).`);
  const answer = await response.json();
  const [error] = answer.errors?.filter((e) => e.extensions?.code !== "FORBIDDEN") ?? []; // fields for others are null
  if (error) throw new Failure(error.extensions?.code ?? "INTERNAL", error.message);
  return answer.data;
}
