// Labels and texts for values of the data. Pure.

import { FACETS } from "./facets.js";
import { formatRoute, imageRoute } from "./router/routes.js";

export const SEXES = { FEMALE: "Female", MALE: "Male", OTHER: "Other" };

/** Counted as the index spells it, and asked for as the schema does. */
export const SEX = { name: "sexes", field: "PATIENT_SEX", title: "Sex" };

/** What is drawn as chips. */
export const CHIPS = [...FACETS, SEX];

/** Sex in the index → sex in the schema. */
export const SEX_OF_VALUE = { F: "FEMALE", M: "MALE", O: "OTHER" };

/** Searchable assertions → their sign. */
export const SIGNS = { present: "+", absent: "−", uncertain: "?" };

export const ASSERTIONS = {
  PRESENT: "Present", ABSENT: "Absent", UNCERTAIN: "Uncertain", HYPOTHETICAL: "Hypothetical", HISTORICAL: "Historical", FAMILY: "Family",
};

/** What a report says of a finding: "Uncertain, probable". */
export const asserted = ({ assertion, certainty }) =>
  [ASSERTIONS[assertion], certainty?.toLowerCase()].filter(Boolean).join(", ");

/** Why a report's findings were not read: "language: German" → a sentence. */
export const notRead = (reason) => `Findings were not read (${reason}). The text can be searched.`;

export const CATEGORIES = { DIAGNOSIS: "Diagnoses", SIGN: "Signs", SYMPTOM: "Symptoms", DEVICE: "Devices" };

/** Labels of filters, shown before their value. */
export const FILTERS = {
  present: "present", absent: "absent", uncertain: "uncertain", without: "without",
  ...Object.fromEntries(CHIPS.map(({ name, title }) => [name, title.toLowerCase()])),
  minAge: "min. age", maxAge: "max. age", from: "from", to: "to",
};

export function demographics(image) {
  const sex = image.patientSex === "OTHER" ? "Other sex" : SEXES[image.patientSex];
  return [sex, age(image.patientAgeYears)].filter(Boolean).join(", ");
}

/** An age in years, or that of an infant in months or days; null if it is unknown, which some devices write as 0. */
export function age(years) {
  if (!years) return null;
  if (years >= 1) return `${Math.floor(years)} y`;
  const months = Math.floor(years * 12 + 0.01);
  return months ? `${months} mo` : `${Math.max(1, Math.round(years * 365.25))} d`;
}

/** The alternative text of an image. */
export function altText(image) {
  return [image.modality, image.bodyPartExamined, image.viewPosition, "image"].filter(Boolean).join(" ");
}

/** An ICD-10-CM description without the qualifiers that matter only for coding. */
export const shorten = (description) => description.replace(/, (unspecified( \w+)?|not elsewhere classified|NEC|NOS)$/i, "");

/** The findings that a report states as present, under their vocabulary names. */
export const presentFindings = (report) => [...report.positiveDiagnoses, ...report.positiveSigns, ...report.positiveSymptoms];
/** The present findings that can be visible in an image, that is, without symptoms. */
export const visibleFindings = (report) => [...report.positiveDiagnoses, ...report.positiveSigns];
export const absentFindings = (report) => [...report.negativeDiagnoses, ...report.negativeSigns, ...report.negativeSymptoms];

export const imageUrl = (id) => formatRoute(imageRoute(id));

/** What the heading does not say of an image. */
export function headingFacts(image) {
  const isNamed = Boolean(image.bodyPartExamined || image.viewPosition);
  return [isNamed && image.modality, demographics(image), image.studyDate].filter(Boolean);
}

/** The heading of an image's view. */
export function headingFor(image) {
  const part = image.bodyPartExamined ?? "";
  const shown = [part.charAt(0).toUpperCase() + part.slice(1).toLowerCase(), image.viewPosition].filter(Boolean).join(" ");
  return shown || [image.modality, "image"].filter(Boolean).join(" ").replace(/^i/, "I");
}

export function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** A file size with its unit, in powers of 1,024. */
export function size(bytes) {
  const units = ["bytes", "KB", "MB", "GB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return `${(bytes / 1024 ** step).toLocaleString("en", { maximumFractionDigits: step ? 1 : 0 })} ${units[step]}`;
}
