// Numbers of the viewer, said for people.

/** A number with at most four digits, or all before the point. */
export function numberOf(value) {
  const short = Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(4));
  return String(short).replace("-", "−");
}

/** A length in mm, in centimetres from one of them up. */
export const lengthOf = (mm) => (mm >= 10 ? `${numberOf(mm / 10)} cm` : `${numberOf(mm)} mm`);

export const percentOf = (ratio) => `${numberOf(ratio < 0.1 ? Math.round(ratio * 1000) / 10 : Math.round(ratio * 100))} %`;
