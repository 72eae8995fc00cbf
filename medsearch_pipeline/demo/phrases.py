"""Radiologists' wordings for the demo's findings: several for each.

Belongs here: sentences and what each asserts. `{side}`, `{size}`, `{zone}`, `{mm}` are filled from the finding; a leading
capital depends on the position of the sentence.
"""

from __future__ import annotations

from typing import Literal

from medsearch_pipeline.demo.cases import Kind

Assertion = Literal["present", "absent", "possible", "historical", "hypothetical", "family"]

PRESENT: dict[Kind, tuple[str, ...]] = {
    "pleural effusion": (
        "There is a {size} {side} pleural effusion.",
        "{size} {side} pleural effusion with adjacent compressive atelectasis.",
        "A {size} {side}-sided pleural effusion is present.",
        "A {size} pleural effusion is seen on the {side}, layering posteriorly.",
        "Opacity at the {side} base with a meniscus, consistent with a {size} pleural effusion.",
    ),
    "pulmonary nodule": (
        "There is a {mm} mm pulmonary nodule in the {side} {zone} lobe.",
        "A rounded {mm} mm nodule projects over the {side} {zone} lung.",
        "A well-circumscribed {mm} mm pulmonary nodule is seen in the {side} {zone} lung field.",
        "Solitary pulmonary nodule in the {side} {zone} lobe, measuring approximately {mm} mm.",
    ),
    "cardiomegaly": (
        "The heart is {grade} enlarged.",
        "{degree} cardiomegaly.",
        "The cardiac silhouette is {grade} enlarged.",
        "There is {degree} cardiomegaly without pulmonary vascular congestion.",
        "{degree} enlargement of the cardiac silhouette.",
    ),
    "pneumothorax": (
        "There is a {size} {side} apical pneumothorax.",
        "{size} {side} pneumothorax, with a visible pleural line. No evidence of tension.",
        "A {size} {side}-sided pneumothorax is present.",
        "A {size} pneumothorax is seen at the {side} apex, without mediastinal shift.",
    ),
    "consolidation": (
        "There is consolidation in the {side} {zone} lobe with air bronchograms.",
        "Dense consolidation is present in the {side} {zone} lobe.",
        "{side} {zone} lobe consolidation with air bronchograms.",
        "Confluent airspace consolidation in the {side} {zone} lung.",
    ),
}

UNSURE: dict[Kind, tuple[str, ...]] = {
    "pleural effusion": (
        "Blunting of the {side} costophrenic angle may represent a {size} pleural effusion.",
        "A {size} {side} pleural effusion cannot be excluded.",
        "Possible {size} {side} pleural effusion.",
    ),
    "pulmonary nodule": (
        "A rounded opacity in the {side} {zone} lung may represent a pulmonary nodule.",
        "Possible pulmonary nodule projecting over the {side} {zone} lung, versus overlapping structures.",
    ),
    "cardiomegaly": ("Possible {degree} cardiomegaly, accentuated by technique.",),
    "pneumothorax": (
        "A {size} {side} apical pneumothorax cannot be excluded.",
        "A thin line at the {side} apex is suspicious for a {size} pneumothorax.",
    ),
    "consolidation": (
        "Opacity in the {side} {zone} lobe may represent consolidation.",
        "Hazy {side} {zone} lobe opacity, which could represent early consolidation.",
    ),
}

GONE: dict[Kind, tuple[str, ...]] = {
    "pleural effusion": (
        "The previously seen {side} pleural effusion has resolved.",
        "Interval resolution of the {side} pleural effusion.",
    ),
    "pneumothorax": (
        "The previously noted {side} pneumothorax has resolved.",
        "Previously seen {side} apical pneumothorax has resolved.",
    ),
    "consolidation": (
        "The previously seen {side} {zone} lobe consolidation has cleared.",
        "Interval resolution of the {side} {zone} lobe consolidation.",
    ),
}

ABSENT: dict[Kind, tuple[str, ...]] = {
    "pleural effusion": (
        "No pleural effusion.",
        "There is no pleural effusion.",
        "The costophrenic angles are sharp, without pleural effusion.",
    ),
    "pulmonary nodule": ("No pulmonary nodule is seen.", "No suspicious pulmonary nodule."),
    "cardiomegaly": ("No cardiomegaly.", "There is no cardiomegaly."),
    "pneumothorax": ("No pneumothorax.", "There is no pneumothorax.", "No evidence of pneumothorax."),
    "consolidation": (
        "No focal consolidation.",
        "The lungs are clear without consolidation.",
        "There is no focal consolidation.",
    ),
}

ABSENT_TOGETHER: tuple[tuple[tuple[Kind, ...], str], ...] = (
    (("pleural effusion", "pneumothorax"), "No pleural effusion or pneumothorax."),
    (("pleural effusion", "pneumothorax"), "There is no pleural effusion or pneumothorax."),
    (("consolidation", "pleural effusion", "pneumothorax"), "No focal consolidation, pleural effusion, or pneumothorax."),
    (("consolidation", "pleural effusion", "pneumothorax"), "There is no focal consolidation, effusion, or pneumothorax."),
    (("consolidation", "pneumothorax"), "No consolidation or pneumothorax is seen."),
)

NORMAL_HEART = ("Cardiac and mediastinal contours are normal.", "The cardiomediastinal silhouette is within normal limits.",
                "Heart size is normal.")  # fmt: skip

INDICATIONS: tuple[tuple[str, tuple[tuple[str, Assertion], ...]], ...] = (
    ("___-year-old {person} with cough and fever. Rule out pneumonia.", (("pneumonia", "hypothetical"),)),
    ("___ year old {person} with shortness of breath. Evaluate for pleural effusion.", (("pleural effusion", "hypothetical"),)),
    ("{person} with chest pain // ?pneumothorax", (("pneumothorax", "hypothetical"),)),
    ("History: ___{sex} with dyspnea // eval for consolidation", (("consolidation", "hypothetical"),)),
    ("Preoperative evaluation.", ()),
    ("___-year-old {person} with weight loss. Assess for pulmonary nodule.", (("pulmonary nodule", "hypothetical"),)),
    ("___-year-old {person} with hypoxia, please evaluate for acute process.", ()),
    ("___-year-old {person} with cough. Family history of lung cancer.", (("lung cancer", "family"),)),
)  # fmt: skip

ASIDES = (
    "The osseous structures are unremarkable.",
    "Old healed right rib fractures are noted.",
    "Mild degenerative changes of the thoracic spine.",
    "The aorta is mildly tortuous.",
    "The hilar contours are normal.",
)

ADVICE: dict[Kind, str] = {
    "pulmonary nodule": "Chest CT is recommended for further evaluation.",
    "pneumothorax": "Findings were discussed with Dr. ___ by phone at ___.",
    "consolidation": "Follow-up radiographs in ___ weeks are recommended to document resolution.",
}
CLEAR = ("No acute cardiopulmonary process.", "No acute intrathoracic process.", "No acute cardiopulmonary abnormality.")
