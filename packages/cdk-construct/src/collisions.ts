import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as apigwv2 from 'aws-cdk-lib/aws-apigatewayv2';
import type { Construct, IConstruct } from 'constructs';

/** Says what else in this CDK app has a name that API Gateway gives once: a stage of the API, a path of the domain. */
export function collisionsOf(scope: Construct): string[] {
  const own = new Set(scope.node.findAll());
  const others = scope.node.root.node.findAll().filter((each) => !own.has(each));
  const stages = [...own].filter((each) => each instanceof apigwv2.CfnStage);
  const mappings = [...own].filter((each) => each instanceof apigwv2.CfnApiMapping);
  return [
    ...stages.flatMap((stage) => stageCollision(stage, others)),
    ...mappings.flatMap((mapping) => mappingCollision(mapping, others)),
  ];
}

function stageCollision(
  { apiId, stageName }: apigwv2.CfnStage,
  others: readonly IConstruct[],
): string[] {
  const other = others.find(
    (each) =>
      each instanceof apigwv2.CfnStage && each.apiId === apiId && each.stageName === stageName,
  );
  if (other === undefined) return [];
  return [
    `The API has another stage "${stageName}": "${other.node.path}". Leave that one out, or set stageName.`,
  ];
}

function mappingCollision(
  { domainName, apiMappingKey }: apigwv2.CfnApiMapping,
  others: readonly IConstruct[],
): string[] {
  const isRest = (each: IConstruct): boolean =>
    each instanceof apigateway.CfnBasePathMapping && each.domainName === domainName;
  const mappings = others.filter(
    (each) => each instanceof apigwv2.CfnApiMapping && each.domainName === domainName,
  );
  const httpApis = new Set(
    others
      .filter((each) => each instanceof apigwv2.CfnApi && each.protocolType === 'HTTP')
      .map((each) => (each as apigwv2.CfnApi).ref),
  );
  const isHttp = (each: IConstruct): boolean => httpApis.has((each as apigwv2.CfnApiMapping).apiId);
  const foreign = others.find(isRest) ?? mappings.find(isHttp);
  if (foreign !== undefined) {
    return [
      `The domain serves an HTTP or REST API, too: "${foreign.node.path}". A WebSocket API needs a domain of its own.`,
    ];
  }
  const other = mappings.find(
    (each) => (each as apigwv2.CfnApiMapping).apiMappingKey === apiMappingKey,
  );
  if (other === undefined) return [];
  const path = apiMappingKey === undefined ? 'The root' : `The path "${apiMappingKey}"`;
  return [
    `${path} of the domain belongs to another API, too: "${other.node.path}". Set domain.mappingKey.`,
  ];
}
