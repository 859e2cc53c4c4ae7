/** The page for a browser that does not have the cookie: it asks for the token that the terminal shows. */
import { answer } from './answers.ts';

/** @param problem why the last try failed; fixed texts only, nothing from the request is put into the page */
export function signInPage(problem?: 'wrong-token'): Response {
  const said =
    problem === undefined ? '' : '<p class="sign-in-problem" role="alert">That is not the token.</p>';
  const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Padlock: sign in</title>
<link rel="stylesheet" href="/app.css">
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
</head>
<body class="sign-in">
<main>
<h1>Padlock</h1>
<p>This page needs the token that the dashboard printed when it started. Open the whole address that it
printed, or paste its token here.</p>
${said}
<form method="post" action="/sign-in">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="off" required>
<button type="submit">Sign in</button>
</form>
<p class="hint">In a terminal: <code>padlock dashboard</code> prints it. In the lab:
<code>kubectl logs -n istio-system deploy/kiali</code></p>
</main>
</body>
</html>
`;
  return answer(problem === undefined ? 401 : 403, page, {
    'content-type': 'text/html; charset=utf-8',
    // With `no-referrer` a browser sends the form with "Origin: null" (fetch.spec.whatwg.org, "append a request Origin header").
    'referrer-policy': 'same-origin',
  });
}
