// Words of the data, said for people. Pure.

import { formatRoute, imageRoute } from "./router/routes.js";

export const SEXES = { FEMALE: "Female", MALE: "Male", OTHER: "Other" };

/** How the index spells a sex → how the schema does. */
export const SEX_OF_VALUE = { F: "FEMALE", M: "MALE", O: "OTHER" };

/** Assertions that reports are searched by → their sign. */
export const SIGNS = { present: "+", absent: "−", uncertain: "?" };

export const ASSERTIONS = {
  PRESENT: "Present", ABSENT: "Absent", UNCERTAIN: "Uncertain", HYPOTHETICAL: "Hypothetical", HISTORICAL: "Historical", FAMILY: "Family",
};
export const CATEGORIES = { DIAGNOSIS: "Diagnoses", SIGN: "Signs", SYMPTOM: "Symptoms", DEVICE: "Devices" };

/** Filters said as words before their value. */
export const FILTERS = {
  present: "present", absent: "absent", uncertain: "uncertain", without: "without", views: "view", sexes: "sex", modalities: "modality",
  minAge: "age from", maxAge: "age to", from: "from", to: "to",
};

export function demographics(image) {
  const age = image.patientAgeYears === null ? null : `${Math.floor(image.patientAgeYears)} y`;
  return [SEXES[image.patientSex], age].filter(Boolean).join(", ");
}

/** What a picture shows, for those who cannot see it. */
export function altText(image) {
  return [image.modality, image.bodyPartExamined, image.viewPosition, "image"].filter(Boolean).join(" ");
}

/** An ICD-10-CM description without the words that only classifiers need. */
export const shorten = (description) => description.replace(/, (unspecified( \w+)?|not elsewhere classified|NEC|NOS)$/i, "");

/** What a report says is there, and what it says is not, as the vocabulary names it. */
export const presentFindings = (report) => [...report.positiveDiagnoses, ...report.positiveSigns, ...report.positiveSymptoms];
/** What a report says is there that a picture may show: symptoms are not. */
export const visibleFindings = (report) => [...report.positiveDiagnoses, ...report.positiveSigns];
export const absentFindings = (report) => [...report.negativeDiagnoses, ...report.negativeSigns, ...report.negativeSymptoms];

export const imageUrl = (id) => formatRoute(imageRoute(id));

/** What a view of an image is headed by. */
export function headingFor(image) {
  const part = image.bodyPartExamined ?? "";
  return [part.charAt(0).toUpperCase() + part.slice(1).toLowerCase(), image.viewPosition].filter(Boolean).join(" ") || image.modality || "Image";
}

export function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** A size as people say it, in units of 1,024. */
export function size(bytes) {
  const units = ["bytes", "KB", "MB", "GB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return `${(bytes / 1024 ** step).toLocaleString("en", { maximumFractionDigits: step ? 1 : 0 })} ${units[step]}`;
}
