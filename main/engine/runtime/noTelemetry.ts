/**
 * ONNX Runtime ≥ 1.29 reports each session to its maker on Linux and macOS, and keeps a device id below ~/.cache, unless told
 * not to before the first session. Nothing leaves this machine but through the network gate. Import before creating sessions.
 */
process.env['ORT_DISABLE_TELEMETRY'] = '1';
