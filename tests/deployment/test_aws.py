"""What can be read off docker/aws: nothing is public that need not be, all is encrypted, and each task may do what it does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from medsearch_api.settings import Settings as ApiSettings
from medsearch_core.permissions import PSEUDONYM_KEY
from medsearch_pipeline.settings import Settings as PipelineSettings
from medsearch_pipeline.webserver.guard import HEALTH
from tests.deployment.dockerfiles import FOLDER, last_stage, only
from tests.deployment.templates import AWS, ORDER, functions, listed, resources, statements, template

WITHOUT_RESOURCES = {"ecs:DescribeTaskDefinition"}
"""Actions that AWS lets nobody bind to a resource ("Actions, resources, and condition keys" of the Service Authorization
Reference)."""
FARGATE_MEMORY = {
    "512": range(1024, 4097, 1024),
    "1024": range(2048, 8193, 1024),
    "2048": range(4096, 16385, 1024),
    "4096": range(8192, 30721, 1024),
}
"""CPU units to MiB: "Task definition parameters for Fargate" of the Amazon ECS Developer Guide."""
DAGSTER = {"webserver", "daemon", "code", "run", "gpu"}
"""Families whose tasks open the Dagster instance."""
PIPELINE = {"code", "run", "gpu", "embedder"}
"""Families whose tasks read the pipeline's settings."""

TASKS = {task["Family"]["Fn::Sub"].removeprefix("${Prefix}-"): task for _, task in resources("AWS::ECS::TaskDefinition")}
every_task = pytest.mark.parametrize("family", sorted(TASKS))


def container(family: str) -> dict[str, Any]:
    (found,) = TASKS[family]["ContainerDefinitions"]
    return found


def environment(family: str) -> dict[str, Any]:
    return {each["Name"]: each["Value"] for each in container(family)["Environment"]}


def secrets(family: str) -> dict[str, Any]:
    return {each["Name"]: each["ValueFrom"] for each in container(family).get("Secrets", ())}


def role_of(policy: dict[str, Any]) -> set[str]:
    return {role["Ref"] for role in policy["Roles"]}


def allowed(role: str) -> set[str]:
    """The actions that a role's own policies and the shared ones allow it."""
    policies = [properties for _, properties in resources("AWS::IAM::ManagedPolicy") if role in role_of(properties)]
    documents = [policy["PolicyDocument"] for policy in policies]
    (own,) = [properties for name, properties in resources("AWS::IAM::Role") if name == role]
    documents += [policy["PolicyDocument"] for policy in own.get("Policies", ())]
    return {action for document in documents for each in document["Statement"] for action in listed(each["Action"])}


def test_cfn_lint_finds_nothing() -> None:
    assert {path.stem for path in AWS.glob("*.yaml")} == set(ORDER)
    said = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), *AWS.glob("*.yaml")], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_each_template_imports_what_an_earlier_one_exports() -> None:
    exported: set[str] = set()
    for name in ORDER:
        imported = {call["Fn::Sub"] for call in functions(template(name), "Fn::ImportValue")}
        assert imported <= exported, name
        exported |= {output["Export"]["Name"]["Fn::Sub"] for output in template(name)["Outputs"].values() if "Export" in output}


def test_no_statement_allows_any_action_or_reaches_every_resource() -> None:
    seen = 0
    for path, statement in statements():
        if statement["Effect"] != "Allow" or "Resource" not in statement:
            continue
        seen += 1
        actions = set(listed(statement["Action"]))
        assert not [action for action in actions if "*" in action], path
        assert "NotAction" not in statement, path
        assert "NotResource" not in statement, path
        if "*" in listed(statement["Resource"]):
            is_the_keys_own = path.startswith("storage.Key.")  # there it means this key
            assert is_the_keys_own or (actions <= WITHOUT_RESOURCES and statement["Condition"]), path
    assert seen > 20


def test_only_services_of_amazon_and_this_account_are_let_in() -> None:
    for path, statement in statements():
        if statement["Effect"] == "Allow" and "Principal" in statement:
            principal = statement["Principal"]
            assert set(principal) <= {"Service", "AWS"}, path
            if "AWS" in principal:
                assert principal["AWS"]["Fn::Sub"] == "arn:${AWS::Partition}:iam::${AWS::AccountId}:root", path


def test_every_bucket_is_encrypted_versioned_private_and_speaks_tls_alone() -> None:
    buckets = dict(resources("AWS::S3::Bucket"))
    assert set(buckets) == {"Landing", "Warehouse", "Logs"}
    policies = {policy["Bucket"]["Ref"]: policy for _, policy in resources("AWS::S3::BucketPolicy")}
    for name, bucket in buckets.items():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {
            "SSEAlgorithm": "aws:kms",
            "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]},
        }
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        (deny,) = policies[name]["PolicyDocument"]["Statement"]
        assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert deny["Resource"] == [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]


def test_the_landing_bucket_alone_sends_to_the_queue_and_what_cannot_be_read_goes_aside() -> None:
    queues = dict(resources("AWS::SQS::Queue"))
    assert queues["Events"]["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": ["DeadEvents", "Arn"]},
        "maxReceiveCount": 10,
    }
    assert all("KmsMasterKeyId" in queue for queue in queues.values())
    ((_, policy),) = resources("AWS::SQS::QueuePolicy")
    (send,) = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
    landing = dict(resources("AWS::S3::Bucket"))["Landing"]
    assert (send["Principal"], send["Action"]) == ({"Service": "s3.amazonaws.com"}, "sqs:SendMessage")
    assert send["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::Sub"].endswith(f":::{landing['BucketName']['Fn::Sub']}")
    assert send["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    told = {each["Event"] for each in landing["NotificationConfiguration"]["QueueConfigurations"]}
    assert told == {"s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*", "s3:ObjectRestore:*"}


def test_database_and_index_are_encrypted_and_nowhere_public() -> None:
    ((_, database),) = resources("AWS::RDS::DBInstance")
    assert (database["StorageEncrypted"], database["PubliclyAccessible"], database["DeletionProtection"]) == (True, False, True)
    assert "{{resolve:secretsmanager:" in database["MasterUserPassword"]["Fn::Sub"]
    ((_, index),) = resources("AWS::OpenSearchService::Domain")
    assert index["EncryptionAtRestOptions"]["Enabled"]
    assert index["NodeToNodeEncryptionOptions"]["Enabled"]
    assert index["DomainEndpointOptions"]["EnforceHTTPS"]
    assert index["AdvancedSecurityOptions"]["Enabled"]
    assert index["VPCOptions"]["SubnetIds"]


def test_logs_are_encrypted_and_end() -> None:
    logs = dict(resources("AWS::Logs::LogGroup"))
    assert logs
    for group in logs.values():
        assert group["KmsKeyId"]
        assert group["RetentionInDays"]


@every_task
def test_no_task_is_root_or_writes_to_its_image(family: str) -> None:
    it = container(family)
    assert it["User"] == only("api", "USER").value
    assert it["ReadonlyRootFilesystem"] is True
    assert it["Privileged"] is False
    assert it["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    assert {mount["ContainerPath"] for mount in it["MountPoints"]} == {"/tmp"}
    assert set(it["Image"]) == {"Ref"}
    assert it["Image"]["Ref"] in template("tasks")["Parameters"]


@every_task
def test_fargate_has_tasks_of_that_size(family: str) -> None:
    task = TASKS[family]
    assert task["NetworkMode"] == "awsvpc"
    if family == "gpu":
        assert task["RequiresCompatibilities"] == ["EC2"]
    else:
        assert task["RequiresCompatibilities"] == ["FARGATE"]
        assert int(task["Memory"]) in FARGATE_MEMORY[task["Cpu"]]


def test_the_embedding_asks_for_a_gpu_and_is_called_as_runs_are() -> None:
    assert container("gpu")["ResourceRequirements"] == [{"Type": "GPU", "Value": "1"}]
    assert container("gpu")["Image"] == {"Ref": "GpuImage"}
    assert container("gpu")["Name"] == container("run")["Name"] == environment("run")["DAGSTER_ECS_CONTAINER"]
    assert environment("run")["MEDSEARCH_ECS_GPU_TASK_DEFINITION"] == TASKS["gpu"]["Family"]
    assert environment("daemon")["DAGSTER_ECS_TASK_DEFINITION"] == TASKS["run"]["Family"]
    assert not [family for family in TASKS if family != "gpu" and "ResourceRequirements" in container(family)]
    assert environment("gpu") == environment("run") == environment("code")


@every_task
def test_commands_and_health_checks_are_those_of_the_images(family: str) -> None:
    it = container(family)
    if family in ("api", "webserver"):
        image = "api" if family == "api" else "pipeline"
        assert "Command" not in it
        assert it["HealthCheck"]["Command"] == ["CMD", *only(image, "HEALTHCHECK").words]
    if family == "code":
        assert it["Command"] == only("gpu", "CMD").words
        assert it["HealthCheck"]["Command"] == ["CMD", *only("gpu", "HEALTHCHECK").words]
    assert ("HealthCheck" in it) is (family not in ("run", "gpu"))


def test_dagsters_ui_is_guarded_and_knows_its_name_and_its_health_check() -> None:
    assert only("pipeline", "CMD").words[:2] == ["medsearch", "webserver"]
    assert environment("webserver")["MEDSEARCH_DAGSTER_URL"] == {"Fn::Sub": "https://${DagsterHost}"}
    targets = dict(resources("AWS::ElasticLoadBalancingV2::TargetGroup"))["WebserverTargets"]
    assert targets["HealthCheckPath"] == HEALTH == container("webserver")["HealthCheck"]["Command"][-1]


@every_task
def test_what_tasks_are_told_are_settings_that_there_are(family: str) -> None:
    settings = {f"MEDSEARCH_{name.upper()}" for name in (ApiSettings if family == "api" else PipelineSettings).model_fields}
    told = {name for name in {**environment(family), **secrets(family)} if name.startswith("MEDSEARCH_")}
    assert told <= settings | ({"MEDSEARCH_CODE_HOST"} if family in ("webserver", "daemon") else set())
    assert told


@pytest.mark.parametrize("family", sorted(DAGSTER))
def test_dagsters_instance_finds_what_it_reads_from_the_environment(family: str) -> None:
    named = set(re.findall(r"\{ env: (\w+) \}", (FOLDER / "dagster.ecs.yaml").read_text(encoding="utf-8")))
    assert named
    assert named <= {*environment(family), *secrets(family)}
    assert environment(family)["DAGSTER_HOME"] == "/opt/medsearch/ecs"
    assert "ecs/dagster.yaml" in " ".join(each.value for each in last_stage("pipeline"))


@every_task
def test_every_secret_comes_from_secrets_manager(family: str) -> None:
    assert not [name for name in environment(family) if re.search("PASSWORD|SECRET|TOKEN", name)]
    for value in secrets(family).values():
        named = {call["Fn::Sub"] for call in functions(value, "Fn::ImportValue")}
        assert named <= {"${Prefix}-database-secret", "${Prefix}-embedder-secret"}
        assert named


def test_only_the_daemon_and_runs_start_tasks_and_only_of_two_kinds_in_this_cluster() -> None:
    assert {role for role in ("Service", "Webserver", "Daemon", "Code", "Run", "Gpu") if "ecs:RunTask" in allowed(role)} == {
        "Daemon",
        "Run",
    }
    policy = dict(resources("AWS::IAM::ManagedPolicy"))["Launching"]["PolicyDocument"]
    run, tag, hand_on = policy["Statement"]
    assert [each["Fn::Sub"].rpartition("/")[2] for each in run["Resource"]] == ["${Prefix}-run:*", "${Prefix}-gpu:*"]
    assert run["Condition"] == {"ArnEquals": {"ecs:cluster": {"Fn::ImportValue": {"Fn::Sub": "${Prefix}-cluster"}}}}
    assert tag["Condition"] == {"StringEquals": {"ecs:CreateAction": "RunTask"}}
    assert [each["Fn::GetAtt"][0] for each in hand_on["Resource"]] == ["Execution", "Run", "Gpu"]
    assert hand_on["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


def test_the_service_writes_to_no_bucket_and_the_model_reaches_no_index() -> None:
    assert not {"s3:PutObject", "s3:DeleteObject", "sqs:DeleteMessage"} & allowed("Service")
    assert not [action for action in allowed("Gpu") if action.startswith(("es:", "sqs:", "ecs:Run", "iam:"))]
    assert "TaskRoleArn" not in TASKS["embedder"]


def test_the_service_cannot_read_the_secret_behind_pseudonyms() -> None:
    roles = dict(resources("AWS::IAM::Role"))
    (policy,) = roles["Service"]["Policies"]
    (deny,) = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
    assert deny["Action"] == "s3:GetObject"
    assert deny["Resource"]["Fn::Sub"][0].endswith(f":::${{Bucket}}/{PSEUDONYM_KEY}")


def test_the_issuer_lets_the_service_sign_in_as_it_asks() -> None:
    clients = dict(resources("AWS::Cognito::UserPoolClient"))
    service = clients["Service"]
    assert service["GenerateSecret"] is False
    assert service["CallbackURLs"] == [{"Fn::Sub": "https://${ApiHost}/sign-in/callback"}]
    assert set(ApiSettings.model_fields["api_oidc_scopes"].default.split()) <= set(service["AllowedOAuthScopes"])
    groups = {group["GroupName"] for _, group in resources("AWS::Cognito::UserPoolGroup")}
    defaults = ApiSettings.model_fields
    assert groups == {defaults["api_oidc_reader_values"].default, defaults["api_oidc_admin_values"].default}
    assert environment("api")["MEDSEARCH_API_OIDC_ROLES_CLAIM"] == "cognito:groups"
    assert environment("api")["MEDSEARCH_API_PUBLIC_URL"] == {"Fn::Sub": "https://${ApiHost}"}


def test_nobody_reaches_dagster_without_sign_in_nor_the_services_measurements() -> None:
    rules = dict(resources("AWS::ElasticLoadBalancingV2::ListenerRule"))
    assert [action["Type"] for action in rules["ToDagster"]["Actions"]] == ["authenticate-cognito", "forward"]
    paths = next(
        each["PathPatternConfig"]["Values"] for each in rules["NotForClients"]["Conditions"] if "PathPatternConfig" in each
    )
    assert paths == ["/metrics", "/healthz", "/readyz"]
    assert rules["NotForClients"]["Priority"] < rules["ToApi"]["Priority"]
    targets = dict(resources("AWS::ElasticLoadBalancingV2::TargetGroup"))
    stickiness = {each["Key"]: each["Value"] for each in targets["ApiTargets"]["TargetGroupAttributes"]}
    assert stickiness["stickiness.enabled"] == "true"  # sessions live in one process
    ((_, balancer),) = resources("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert "access_logs.s3.enabled" not in {each["Key"] for each in balancer["LoadBalancerAttributes"]}


def test_there_is_never_more_than_one_daemon() -> None:
    daemon = dict(resources("AWS::ECS::Service"))["Daemon"]
    assert daemon["DesiredCount"] == 1
    assert daemon["DeploymentConfiguration"]["MaximumPercent"] == 100


def test_gpu_instances_come_and_go_with_the_steps() -> None:
    ((_, group),) = resources("AWS::AutoScaling::AutoScalingGroup")
    ((_, provider),) = resources("AWS::ECS::CapacityProvider")
    ((_, instances),) = resources("AWS::EC2::LaunchTemplate")
    assert group["MinSize"] == "0"
    assert group["NewInstancesProtectedFromScaleIn"] is True
    scaling = provider["AutoScalingGroupProvider"]
    assert scaling["ManagedScaling"]["Status"] == scaling["ManagedTerminationProtection"] == "ENABLED"
    data = instances["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert all(device["Ebs"]["Encrypted"] is True for device in data["BlockDeviceMappings"])
    assert "ECS_AWSVPC_BLOCK_IMDS=true" in data["UserData"]["Fn::Base64"]["Fn::Sub"]


def test_the_script_deploys_every_template_in_order_with_parameters_that_there_are(tmp_path: Path) -> None:
    """With a stand-in for the AWS CLI that writes down how it was called."""
    said = tmp_path / "said"
    client = tmp_path / "aws"
    client.write_text(f'#!/bin/sh\necho "$@" >>{said}\n')
    client.chmod(0o755)
    example = AWS / "parameters.example"
    ran = subprocess.run(
        ["sh", AWS / "deploy.sh", example],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        check=True,
        capture_output=True,
        text=True,
    )
    calls = said.read_text().splitlines()
    assert [re.findall(r"--stack-name (\S+)", call) for call in calls] == [[f"medsearch-{name}"] for name in ORDER]
    assert ran.stdout.splitlines() == [f"== medsearch-{name}" for name in ORDER]
    known = {parameter for name in ORDER for parameter in template(name)["Parameters"]}
    given = set(re.findall(r"^(\w+)=", example.read_text(), re.MULTILINE))
    required = {key for name in ORDER for key, each in template(name)["Parameters"].items() if "Default" not in each}
    assert required <= given <= known
    assert all(f" {name}=" in calls[0] for name in given)
