"""Looking at pages with a real browser, by hand: Chromium without a window, driven over a pipe. Needs nothing but Chromium; imported by no test."""
