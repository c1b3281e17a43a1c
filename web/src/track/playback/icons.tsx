/** The signs on the buttons of playback. Each stands beside a name in words. */

const PATHS = {
  play: "M7 4.5v15l12.5-7.5z",
  pause: "M6.5 4.5h4v15h-4zM13.5 4.5h4v15h-4z",
  start: "M5 5h2.5v14H5zM19 5v14L8.5 12z",
  back: "M11.5 5.5v13L3 12zM20.5 5.5v13L12 12z",
  forward: "M12.5 5.5v13L21 12zM3.500 5.5v13L12 12z",
  barBack: "M4 4.500h2v15H4zM17 6v12l-9-6zM18.500 11h2v2h-2z",
  barForward: "M18 4.500h2v15h-2zM7 6v12l9-6zM3.500 11h2v2h-2z",
  loop: "M7 7h9V4l5 4.200-5 4.200V9.500H7.500V13H5V9a2 2 0 0 1 2-2zM17 17H8v3l-5-4.200 5-4.200v2.900h8.500V11H19v4a2 2 0 0 1-2 2z",
  click: "M9.200 3h5.600l3.700 18h-13zM11.200 5.500 8.600 18.500h2.700l4.300-8.600-1-4.400zM14 18.500h1.900l-.9-4.200z",
  sound: "M4 9h4l5-4.500v15L8 15H4zM15.500 8.500a5 5 0 0 1 0 7l1.200 1.200a6.700 6.700 0 0 0 0-9.400zM18 6l1.200-1.200a10 10 0 0 1 0 14.400L18 18a8.300 8.300 0 0 0 0-12z",
  mute: "M4 9h4l5-4.500v15L8 15H4zM16 9.400 17.400 8l2.100 2.100L21.600 8 23 9.400 20.900 11.500 23 13.600 21.600 15l-2.100-2.100L17.400 15 16 13.600l2.100-2.100z",
  more: "M4 6.500h9v2H4zM17 6.500h3v2h-3zM13.500 5h2.500v5h-2.500zM4 15.500h3v2H4zM11 15.500h9v2h-9zM7.500 14H10v5H7.500z",
} as const;

export function Icon({ name }: { readonly name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="22" height="22" fill="currentColor" aria-hidden="true">
      <path d={PATHS[name]} fill-rule="evenodd" />
    </svg>
  );
}
