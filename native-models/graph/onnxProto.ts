/** Graph → ONNX bytes: the only file that knows the protobuf layout (onnx.proto, IR version 10, operator set 20). */
import protobuf from 'protobufjs';
import type { Graph, Initializer, NamedNode, NamedValue } from './build.ts';
import { onnxDtypeNumber } from './shapes.ts';
import type { Attribute } from './value.ts';

const IR_VERSION = 10;
const OPERATOR_SET = 20;

/** The part of onnx.proto that is written here; field numbers are the standard's. */
const SCHEMA = `
syntax = "proto3";
message Entry { string key = 1; string value = 2; }
message Tensor { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; repeated Entry external_data = 13; int32 data_location = 14; }
message Attribute { string name = 1; float f = 2; int64 i = 3; bytes s = 4; repeated int64 ints = 8; int32 type = 20; }
message Node { repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4; repeated Attribute attribute = 5; string domain = 7; }
message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
message TensorShape { repeated Dimension dim = 1; }
message TensorType { int32 elem_type = 1; TensorShape shape = 2; }
message Type { TensorType tensor_type = 1; }
message ValueInfo { string name = 1; Type type = 2; }
message Graph { repeated Node node = 1; string name = 2; repeated Tensor initializer = 5; repeated ValueInfo input = 11; repeated ValueInfo output = 12; }
message OperatorSet { string domain = 1; int64 version = 2; }
message Model { int64 ir_version = 1; string producer_name = 2; Graph graph = 7; repeated OperatorSet opset_import = 8; }
`;
const Model = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType('Model');

const EXTERNAL = 1;

/**
 * Serialises a graph. Weights become external data: file, offset, length; `locate` turns a file path into the
 * location string (ONNX Runtime resolves it against a folder given when the session is made).
 */
export function toOnnx(graph: Graph, locate: (path: string) => string): Uint8Array {
  return Model.encode({
    ir_version: IR_VERSION,
    producer_name: 'emulsion',
    graph: {
      name: 'emulsion',
      node: graph.nodes.map(nodeMessage),
      initializer: graph.initializers.map((initializer) => tensorMessage(initializer, locate)),
      input: graph.inputs.map(valueInfoMessage),
      output: graph.outputs.map(valueInfoMessage),
    },
    opset_import: [
      { domain: '', version: OPERATOR_SET },
      { domain: 'com.microsoft', version: 1 },
    ],
  }).finish();
}

function nodeMessage(node: NamedNode): object {
  const attribute = Object.entries(node.attributes).map(([name, value]) => ({
    name,
    ...attributeFields(value),
  }));
  return {
    input: node.inputs,
    output: node.outputs,
    name: node.name,
    op_type: node.op,
    domain: node.domain,
    attribute,
  };
}

/** `type` is AttributeProto.AttributeType. */
function attributeFields(attribute: Attribute): object {
  if ('float' in attribute) return { f: attribute.float, type: 1 };
  if ('int' in attribute) return { i: attribute.int, type: 2 };
  if ('string' in attribute) return { s: new TextEncoder().encode(attribute.string), type: 3 };
  return { ints: attribute.ints, type: 7 };
}

function tensorMessage(initializer: Initializer, locate: (path: string) => string): object {
  const { name, shape, dtype } = initializer;
  const head = { name, dims: shape, data_type: onnxDtypeNumber(dtype) };
  if ('data' in initializer) {
    const { buffer, byteOffset, byteLength } = initializer.data;
    return { ...head, raw_data: new Uint8Array(buffer, byteOffset, byteLength) };
  }
  const { path, offset, byteLength } = initializer.location;
  const external = { location: locate(path), offset: String(offset), length: String(byteLength) };
  return {
    ...head,
    data_location: EXTERNAL,
    external_data: Object.entries(external).map(([key, value]) => ({ key, value })),
  };
}

function valueInfoMessage({ name, shape, dtype }: NamedValue): object {
  const dim = shape.map((size) => (typeof size === 'number' ? { dim_value: size } : { dim_param: size }));
  return { name, type: { tensor_type: { elem_type: onnxDtypeNumber(dtype), shape: { dim } } } };
}
