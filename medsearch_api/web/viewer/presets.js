// Windows to choose from: the object's own, those over its values, and the usual ones of computed tomography.

import { formatNumber } from "./numbers.js";

const HOUNSFIELD = [
  { name: "Lung", center: -600, width: 1500 },
  { name: "Mediastinum", center: 50, width: 350 },
  { name: "Bone", center: 480, width: 2500 },
  { name: "Brain", center: 40, width: 80 },
];

/** Groups of windows, each with a name. */
export function windowPresets(header, unit) {
  const own = header.presets.map((preset, at) => ({ ...preset, name: preset.name ?? `Window ${at + 1}` }));
  const whole = [
    { name: "Percentiles", ...header.percentiles },
    { name: "Full range", ...header.fullRange },
  ];
  return [
    { name: "Of the image", presets: own },
    { name: "Of its values", presets: whole },
    { name: "Computed tomography", presets: unit === "HU" ? HOUNSFIELD : [] },
  ].filter(({ presets }) => presets.length);
}

export const titleOf = ({ name, center, width }) => `${name} (${formatNumber(center)} / ${formatNumber(width)})`;
