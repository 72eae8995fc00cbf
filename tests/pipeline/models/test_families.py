"""Models by name: the features before the classifier, their input as they were trained, and names that are none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from medsearch_core.errors import ConfigurationError
from medsearch_pipeline.models.code_version import code_version_of
from medsearch_pipeline.models.engines.choice import EngineOptions
from medsearch_pipeline.models.families import densenet121, efficientnet_lite0, timm_backbones, torchvision_backbones
from medsearch_pipeline.models.metadata import Input
from medsearch_pipeline.models.network import FromPixels
from medsearch_pipeline.models.registry import load_embedder
from medsearch_pipeline.models.weights import random_state
from medsearch_pipeline.settings import Settings

EAGER = EngineOptions("torch", "cpu", "fp32")


@pytest.mark.parametrize(
    ("model", "named"),
    [
        ("densnet121", ["densnet121", "densenet121", "efficientnet_lite0", "file", "torchvision:NAME", "timm:NAME"]),
        ("tim:resnet18", ["timm:NAME?"]),
        ("torchvision", ["torchvision:NAME?"]),
        ("timm:", ["timm:NAME?"]),
        ("file:x", ["file?"]),
        ("../x", ["../x"]),
        ("torchvision:resnet19", ["torchvision", "resnet19", "resnet18"]),
        ("torchvision:fcn_resnet50", ["torchvision", "fcn_resnet50"]),
        ("timm:resnet19", ["timm", "resnet19", "resnet18"]),
        ("timm:hf-hub:someone/model", ["timm", "hf-hub:someone/model"]),
        ("timm:resnet18.nobody", ["timm", "resnet18.nobody", "resnet18.a1_in1k"]),
    ],
)
def test_a_name_that_is_none_is_refused_with_those_there_are(model: str, named: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_embedder(model, "random", options=EAGER)
    assert [name for name in named if name not in str(caught.value)] == []


def test_a_wrong_name_is_noticed_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDSEARCH_MODEL", "densenet")
    with pytest.raises(ValueError, match="densenet121"):
        Settings()


@pytest.mark.parametrize(
    ("backbone", "dimensions"),
    [("resnet18", 512), ("squeezenet1_1", 512), ("mobilenet_v3_small", 576), ("shufflenet_v2_x0_5", 1024), ("alexnet", 256),
     ("convnext_tiny", 768), ("densenet121", 1024), ("swin_t", 768)],
)  # fmt: skip
def test_a_backbone_of_torchvisions_gives_what_goes_into_its_classifier_averaged(backbone: str, dimensions: int) -> None:
    with torch.inference_mode(), torch.device("meta"):  # shapes alone: no weight is drawn, nothing multiplied
        features = torchvision_backbones.features_of(backbone).eval()
        assert features(torch.zeros(1, 3, 224, 224)).shape == (1, dimensions)


def test_a_resnets_vector_is_its_pooled_last_layer() -> None:
    loaded = load_embedder("torchvision:resnet18", "random", options=EAGER)
    assert (loaded.model_id, loaded.dimensions, loaded.side) == ("torchvision-resnet18-random", 512, 224)
    whole = torchvision.models.resnet18(weights=None).eval()
    features = torchvision_backbones.features_of("resnet18").eval()
    features.load_state_dict({k: v for k, v in whole.state_dict().items() if not k.startswith("fc.")})
    batch = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.allclose(whole.fc(features(batch)), whole(batch), atol=1e-5)


def test_the_input_is_the_one_the_weights_were_trained_on() -> None:
    assert torchvision_backbones.load("efficientnet_b0", "random").input == Input(side=224)
    theirs = timm_backbones.load("mobilenetv3_small_050.lamb_in1k", "random")
    assert (theirs.model_id, theirs.input.side) == ("timm-mobilenetv3_small_050.lamb_in1k-random", 224)
    half = timm_backbones.load("test_vit", "random").input
    assert (half.side, half.mean, half.std) == (160, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def test_a_backbone_of_timms_gives_its_pooled_features() -> None:
    loaded = load_embedder("timm:test_resnet", "random", options=EAGER)
    import timm

    assert loaded.dimensions == timm.create_model("test_resnet", pretrained=False).num_features
    assert load_embedder("timm:test_resnet", "random", options=EAGER).model_version == loaded.model_version


def test_without_timm_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'medsearch\[timm\]'"):
        load_embedder("timm:resnet18", "random")


@pytest.mark.parametrize("model", ["densenet121", "torchvision:resnet18", "timm:test_resnet"])
def test_weights_that_cannot_be_downloaded_stop_with_the_alternatives(
    model: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ConfigurationError, match="MEDSEARCH_MODEL=efficientnet_lite0"):
        load_embedder(model, "imagenet")


def test_densenets_vector_is_relu_then_average_of_its_features() -> None:
    network = densenet121.Features().eval()
    batch = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = torch.nn.functional.adaptive_avg_pool2d(torch.relu(network.features(batch)), 1).flatten(1)
        assert torch.allclose(network(batch), expected, atol=1e-6)


def test_pictures_are_normalised_inside_the_graph_by_channel() -> None:
    pictures = torch.tensor([0, 51, 255], dtype=torch.uint8).repeat(1, 2, 2, 1)
    seen = FromPixels(torch.nn.Identity(), Input(side=16, mean=(0, 0.2, 0.5), std=(1, 2, 0.5)))(pictures)
    assert seen.shape == (1, 3, 2, 2)
    assert torch.allclose(seen[0, :, 1, 1], torch.tensor([0.0, 0.0, 1.0]), atol=1e-7)


def test_weights_from_a_file_are_those_weights_in_either_safe_format(tmp_path: Path) -> None:
    state = random_state(densenet121.Features)
    save_file(state, tmp_path / "w.safetensors")
    torch.save(state, tmp_path / "w.pth")
    versions = {densenet121.load("", str(tmp_path / f"w.{e}")).model_version for e in ("safetensors", "pth")}
    assert versions == {densenet121.load("", "random").model_version}


def test_versions_are_those_that_stand_in_warehouses() -> None:
    assert efficientnet_lite0.load("", "imagenet").model_version.startswith("8e16232a2ec2f55e-224px-p")


def test_the_published_densenet_names_are_understood(tmp_path: Path) -> None:
    published = {
        name.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): tensor
        for name, tensor in random_state(densenet121.Features).items()
    }
    assert published.keys() != random_state(densenet121.Features).keys()
    save_file(published, tmp_path / "w.safetensors")
    loaded = densenet121.load("", str(tmp_path / "w.safetensors"))
    assert loaded.model_version == densenet121.load("", "random").model_version


def test_weights_of_another_architecture_are_refused_by_name(tmp_path: Path) -> None:
    save_file(random_state(efficientnet_lite0.Features), tmp_path / "w.safetensors")
    with pytest.raises(ConfigurationError, match="densenet121"):
        load_embedder("densenet121", str(tmp_path / "w.safetensors"))


def test_a_missing_file_stops_with_what_to_give_instead() -> None:
    with pytest.raises(ConfigurationError, match=r"MEDSEARCH_WEIGHTS.* /no/such/file"):
        load_embedder("densenet121", "/no/such/file")


def test_a_code_version_is_fit_for_a_files_name() -> None:
    assert code_version_of("torchvision:resnet18", "imagenet").startswith("torchvision-resnet18-imagenet-p")
