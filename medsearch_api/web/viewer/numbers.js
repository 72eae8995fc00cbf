// Formatting of numbers for display.

/** Formats a number with at most four digits, or all digits before the decimal point. */
export function formatNumber(value) {
  const short = Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(4));
  return String(short).replace("-", "−");
}

/** Formats a length given in mm, in centimeters from 1 cm upward. */
export const formatLength = (mm) => (mm >= 10 ? `${formatNumber(mm / 10)} cm` : `${formatNumber(mm)} mm`);

export const formatPercent = (ratio) => `${formatNumber(ratio < 0.1 ? Math.round(ratio * 1000) / 10 : Math.round(ratio * 100))} %`;
