// Words of the data, said for people.

export const SEXES = { FEMALE: "Female", MALE: "Male", OTHER: "Other" };

/** How the index spells a sex → how the schema does. */
export const SEX_OF_VALUE = { F: "FEMALE", M: "MALE", O: "OTHER" };

export function person(image) {
  const age = image.patientAgeYears === null ? null : `${Math.floor(image.patientAgeYears)} y`;
  return [SEXES[image.patientSex], age].filter(Boolean).join(", ");
}

/** What a picture shows, for those who cannot see it. */
export function shown(image) {
  return [image.modality, image.bodyPartExamined, image.viewPosition, "image"].filter(Boolean).join(" ");
}

/** An ICD-10-CM description without the words that only classifiers need. */
export const brief = (description) => description.replace(/, (unspecified( \w+)?|not elsewhere classified|NEC|NOS)$/i, "");

export const imageAddress = (id) => `#/image/${encodeURIComponent(id)}`;
export const reportAddress = (id) => `#/report/${encodeURIComponent(id)}`;

/** What a report says is there, and what it says is not, as the vocabulary names it. */
export const present = (report) => [...report.positiveDiagnoses, ...report.positiveSigns, ...report.positiveSymptoms];
export const absent = (report) => [...report.negativeDiagnoses, ...report.negativeSigns, ...report.negativeSymptoms];
