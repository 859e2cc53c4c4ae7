/** httpbin's fixed pages: short texts of the right kind, written for the lab. */
import type { WebAnswer } from '../web-server.ts';
import { type HttpbinRequest, json, text } from './dialect.ts';

export function home(): WebAnswer {
  const routes = ['headers', 'get', 'ip', 'uuid', 'anything', 'status/418', 'delay/1', 'bytes/1024'];
  const links = routes.map((route) => `<li><a href="/${route}">/${route}</a></li>`).join('');
  return text(
    'text/html; charset=utf-8',
    `<!DOCTYPE html>\n<html><head><title>httpbin</title></head><body><h1>httpbin</h1><ul>${links}</ul></body></html>\n`,
  );
}

export function html(): WebAnswer {
  const body =
    '<!DOCTYPE html>\n<html>\n  <head></head>\n  <body>\n    <h1>A page</h1>\n    <p>Sent by a pod of the lab.</p>\n  </body>\n</html>\n';
  return text('text/html; charset=utf-8', body);
}

export function jsonDocument(request: HttpbinRequest): WebAnswer {
  const slides = [
    { title: 'Plaintext', type: 'all' },
    { items: ['PERMISSIVE', 'STRICT'], title: 'Modes', type: 'all' },
  ];
  return json(request.dialect, {
    slideshow: { author: 'the lab', date: 'date of publication', slides, title: 'Sample Slide Show' },
  });
}

export function xml(): WebAnswer {
  const body =
    '<?xml version="1.0" encoding="utf-8"?>\n<slideshow title="Sample Slide Show"><slide type="all"><title>Modes</title></slide></slideshow>\n';
  return text('application/xml', body);
}

export function robots(): WebAnswer {
  return text('text/plain', 'User-agent: *\nDisallow: /deny\n');
}

export function deny(): WebAnswer {
  return text('text/plain', "YOU SHOULDN'T BE HERE\n");
}
