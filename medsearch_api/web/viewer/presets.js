// Window presets: the object's own, those derived from its values, and the common CT windows.

import { formatNumber } from "./numbers.js";

const HOUNSFIELD = [
  { name: "Lung", center: -600, width: 1500 },
  { name: "Mediastinum", center: 50, width: 350 },
  { name: "Bone", center: 480, width: 2500 },
  { name: "Brain", center: 40, width: 80 },
];

/** Named groups of windows. */
export function windowPresets(header) {
  const own = header.presets.map((preset, at) => ({ ...preset, name: preset.name ?? `Window ${at + 1}` }));
  const whole = [
    { name: "Percentiles", ...header.percentiles },
    { name: "Full range", ...header.fullRange },
  ];
  return [
    { name: "From the image", presets: own },
    { name: "From its values", presets: whole },
    { name: "CT", presets: header.unit === "HU" ? HOUNSFIELD : [] },
  ].filter(({ presets }) => presets.length);
}

export const titleOf = ({ name, center, width }) => `${name} (${formatNumber(center)} / ${formatNumber(width)})`;
