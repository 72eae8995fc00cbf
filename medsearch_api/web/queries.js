// The GraphQL documents of the page.

export const HOLDINGS = "{ index { images reports studies modelId } }";

export const SEARCH = `
query Search($query: String!, $filters: Filters!, $viewless: Filters!, $sexless: Filters!, $first: Int!, $after: String) {
  searchReports(query: $query, filters: $filters, first: $first, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      id impression findings positiveDiagnoses positiveSigns positiveSymptoms negativeDiagnoses negativeSigns negativeSymptoms
      images(first: 50) { nodes { id thumbnailUrl viewPosition patientSex patientAgeYears studyDate isRepresentative } }
    }
  }
  present: facets(field: PRESENT_CODES, query: $query, filters: $filters, size: 8) { value label count }
  absent: facets(field: ABSENT_CODES, query: $query, filters: $filters, size: 8) { value label count }
  uncertain: facets(field: UNCERTAIN_CODES, query: $query, filters: $filters, size: 6) { value label count }
  views: facets(field: VIEWS, query: $query, filters: $viewless, size: 8) { value count }
  sexes: facets(field: PATIENT_SEX, query: $query, filters: $sexless, size: 3) { value count }
}`;

const REPORT = `
  id text
  entities { text begin end assertion category cue icd10cmCode icd10cmDescription }
  provenance { sourceKey nerVersion }`;

export const IMAGE = `
query Image($id: ID!) {
  image(id: $id) {
    id patient study modality bodyPartExamined viewPosition laterality patientSex patientAgeYears studyDate thumbnailUrl
    detail {
      rows columns frame frames bitsStored photometricInterpretation pixelSpacingMm manufacturer manufacturerModelName kvp
      burnedInAnnotation studyDescription
    }
    provenance { sourceKey sha256 modelId modelVersion }
    report { ${REPORT} images(first: 200) { nodes { id thumbnailUrl viewPosition } } }
  }
}`;

export const REPORT_ALONE = `query Report($id: ID!) { report(id: $id) { ${REPORT} } }`;

export const SIMILAR = `
query Similar($id: ID!, $first: Int!, $exclude: Exclude!) {
  similarImages(imageId: $id, first: $first, exclude: $exclude) {
    edges {
      rank score
      node { id patient thumbnailUrl viewPosition studyDate report { positiveDiagnoses positiveSigns positiveSymptoms } }
    }
  }
}`;
