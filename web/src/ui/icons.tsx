/** Icons of the shell, drawn with the colour of the text around them. What they mean is said by the control that has them. */

import type { ComponentChildren } from "preact";

const Icon = ({ size = 18, children }: { readonly size?: number; readonly children: ComponentChildren }) => (
  <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
    {children}
  </svg>
);

export const CloseIcon = () => <Icon><path d="M6 6l12 12M18 6L6 18" /></Icon>;
export const MoreIcon = () => <Icon><path d="M12 5h.01M12 12h.01M12 19h.01" stroke-width="3.4" /></Icon>;
export const SunIcon = () => <Icon><circle cx="12" cy="12" r="4" /><path d="M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1" /></Icon>;
export const MoonIcon = () => <Icon><path d="M20 14.2A8 8 0 0 1 9.8 4a8 8 0 1 0 10.2 10.2z" /></Icon>;
export const PersonIcon = () => <Icon><circle cx="12" cy="8" r="3.6" /><path d="M5 20c.6-3.8 3.4-6 7-6s6.4 2.2 7 6" /></Icon>;
export const UploadIcon = ({ size = 18 }: { readonly size?: number }) => <Icon size={size}><path d="M12 16V5M7.5 9.5L12 5l4.5 4.5M5 16v2.5a1.5 1.5 0 0 0 1.5 1.5h11a1.5 1.5 0 0 0 1.5-1.5V16" /></Icon>;
export const SearchIcon = () => <Icon><circle cx="11" cy="11" r="6" /><path d="M20 20l-4.6-4.6" /></Icon>;
export const DownIcon = () => <Icon size={14}><path d="M6 9.5l6 6 6-6" /></Icon>;
export const UpIcon = () => <Icon size={14}><path d="M6 15l6-6 6 6" /></Icon>;
export const CheckIcon = () => <Icon size={16}><path d="M5 12.5l4.6 4.6L19 7.5" /></Icon>;
export const WarnIcon = () => <Icon size={16}><path d="M12 4L2.8 20h18.4L12 4zM12 10v4.5M12 17.3h.01" /></Icon>;
export const NoteIcon = ({ size = 18 }: { readonly size?: number }) => <Icon size={size}><path d="M9 18V6l10-2v12" /><circle cx="6.5" cy="18" r="2.5" /><circle cx="16.5" cy="16" r="2.5" /></Icon>;
