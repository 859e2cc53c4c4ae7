/** The page's entry. */
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { takeKeyFromAddress } from './page-key.ts';

takeKeyFromAddress();

const root = document.getElementById('app');
if (root !== null) createRoot(root).render(<App />);
