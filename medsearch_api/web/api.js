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
  if (!response.ok) throw new Failure("REFUSED", `The service refused the request (${response.status}).`);
  const answer = await response.json();
  if (answer.errors?.length) throw new Failure(answer.errors[0].extensions?.code ?? "INTERNAL", answer.errors[0].message);
  return answer.data;
}
