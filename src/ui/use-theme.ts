/** Dark or light: as the system says, until the person chooses. */
import { useEffect, useState } from 'react';

export type Theme = 'light' | 'dark';

const key = 'padlock-theme';

export function useTheme(): readonly [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(() => {
    const chosen = localStorage.getItem(key);
    if (chosen === 'light' || chosen === 'dark') return chosen;
    return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  });
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  const toggle = (): void => {
    const next = theme === 'dark' ? 'light' : 'dark';
    localStorage.setItem(key, next);
    setTheme(next);
  };
  return [theme, toggle];
}
