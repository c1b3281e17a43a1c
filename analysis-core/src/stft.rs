//! Short-time Fourier transform. The only room that names realfft.
