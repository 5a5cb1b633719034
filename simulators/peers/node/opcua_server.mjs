// An independent OPC UA server on node-opcua, for the tests of our driver.
//
// usage: node opcua_server.mjs JSON | @FILE
//   { modules, pki, certificate, key, trusted: [certificate files], policies: ["Basic256Sha256", …],
//     mode: "SignAndEncrypt", uri, nodes: [{ id, type, value, status?, source?, history?, denied? }],
//     limit?, port?, many?, users?: { name: password }, names?: [first namespace URI], queue? }
// Listens on a free port of 127.0.0.1 (or on `port`) and prints it.
// stdin, one JSON a line, each answered by "ok":
//   { "set": "Dust.X", "value": 1.5, "status": "Good", "source": "2026-01-01T00:00:00.123Z" }
//   { "do": "drop_sessions" } or { "do": "drop_subscriptions" }
//   { "count": ["Dust.X", …], "ms": 200 }: each gets 1, 2, 3 … until { "count": [] }
//   { "cycle": "Dust.X", "ms": 100 }: good, uncertain and bad codes in turn
//   { "level": 180 } or { "state": 3 }: ServiceLevel, ServerState
//   { "back": "2026-01-01T00:00:00Z" }: EstimatedReturnTime
//   { "slow": "Dust.X", "ms": 3000 }: a read of it is answered so late
//   { "timeless": "Dust.X", "value": 1.5 }: a value without any time
//   { "publishes": 1 }: more Publish requests than that are refused with BadTooManyPublishRequests
//   { "limits": "unstated" }: keeps its limits, and says that it has none
//   { "ask": "Dust.X" }: answered by its present value instead of "ok"
// Ends when stdin ends.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

const given = process.argv[2];
const settings = JSON.parse(given.startsWith("@") ? readFileSync(given.slice(1), "utf8") : given);
// Everything the libraries say goes to stderr: stdout is the protocol with the test.
for (const name of ["log", "info", "warn", "debug"]) console[name] = (...all) => console.error(...all);
const ua = createRequire(`${settings.modules}/here.js`)("node-opcua");

const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

const der = (file) => {
  const text = readFileSync(file, "utf8");
  return Buffer.from(text.replace(/-----[^-]+-----/g, "").replace(/\s/g, ""), "base64");
};

const manager = new ua.OPCUACertificateManager({
  rootFolder: settings.pki,
  automaticallyAcceptUnknownCertificate: false,
});
await manager.initialize();
for (const file of settings.trusted ?? []) await manager.trustCertificate(der(file));

const port = settings.port ?? (await freePort());
const server = new ua.OPCUAServer({
  port,
  hostname: "127.0.0.1",
  buildInfo: { productName: "peer", buildNumber: "1" },
  serverInfo: { applicationUri: settings.uri },
  certificateFile: settings.certificate,
  privateKeyFile: settings.key,
  serverCertificateManager: manager,
  userCertificateManager: manager,
  securityPolicies: (settings.policies ?? ["Basic256Sha256"]).map((name) => ua.SecurityPolicy[name]),
  securityModes: [ua.MessageSecurityMode[settings.mode ?? "SignAndEncrypt"]],
  allowAnonymous: !settings.users,
  userManager: settings.users
    ? { isValidUser: (name, password) => settings.users[name] === password }
    : undefined,
  disableDiscovery: false,
  serverCapabilities: settings.limit
    ? { operationLimits: { maxNodesPerRead: settings.limit, maxMonitoredItemsPerCall: settings.limit } }
    : {},
});
await server.initialize();

const space = server.engine.addressSpace;
for (const name of settings.names ?? []) space.registerNamespace(name);
space.registerNamespace("urn:peer:first"); // so that ours has no index that could be guessed
const namespace = space.registerNamespace("urn:peer:dust");
const folder = namespace.addFolder(space.rootFolder.objects, { browseName: "Dust" });
const variables = new Map();

const put = (variable, type, { value, status, source }) => {
  const variant = value === null ? { dataType: "Null" } : { dataType: type, value };
  variable.setValueFromSource(
    variant,
    ua.StatusCodes[status ?? "Good"],
    source ? new Date(source) : new Date(),
  );
};

// `many` makes so many more variables, a thousand a folder.
let shelf = folder;
for (let at = 0; at < (settings.many ?? 0); at++) {
  if (at % 1000 === 0) shelf = namespace.addFolder(folder, { browseName: `Shelf${at / 1000}` });
  namespace.addVariable({
    componentOf: shelf,
    browseName: `V${at}`,
    nodeId: `i=${100000 + at}`,
    dataType: "Double",
    value: { dataType: "Double", value: at },
  });
}
for (const node of settings.nodes) {
  const variable = namespace.addVariable({
    componentOf: folder,
    browseName: node.id,
    nodeId: `s=${node.id}`,
    dataType: node.type,
    minimumSamplingInterval: 0,
    ...(node.denied ? { userAccessLevel: 0 } : {}),
  });
  if (node.history) space.installHistoricalDataNode(variable, { maxOnlineValues: 100000 });
  put(variable, node.type, node);
  variables.set(node.id, { variable, type: node.type });
}
await server.start();
process.stdout.write(`${port}\n`);

let counting = null;
const count = (ids, ms) => {
  clearInterval(counting);
  if (ids.length === 0) return;
  const next = new Map(ids.map((id) => [id, 0]));
  counting = setInterval(() => {
    for (const id of ids) {
      next.set(id, next.get(id) + 1);
      const { variable, type } = variables.get(id);
      put(variable, type, { value: next.get(id) });
    }
  }, ms);
};

const CODES = ["Good", "UncertainSubstituteValue", "BadSensorFailure", "BadNoCommunication", "BadOutOfRange"];
let cycling = null;
const cycle = (id, ms) => {
  let at = 0;
  clearInterval(cycling);
  const { variable, type } = variables.get(id);
  cycling = setInterval(() => put(variable, type, { value: ++at, status: CODES[at % CODES.length] }), ms);
};

const standard = (number, dataType, value) => {
  const node = space.findNode(`ns=0;i=${number}`);
  node.bindVariable({ get: () => new ua.Variant({ dataType, value }) }, true);
};

const obey = async (order) => {
  if (order.set) {
    const { variable, type } = variables.get(order.set);
    put(variable, type, order);
  } else if (order.count) {
    count(order.count, order.ms);
  } else if (order.cycle) {
    cycle(order.cycle, order.ms);
  } else if (order.level !== undefined) {
    standard(2267, ua.DataType.Byte, order.level);
  } else if (order.state !== undefined) {
    standard(2259, ua.DataType.Int32, order.state);
  } else if (order.back) {
    standard(12885, ua.DataType.DateTime, new Date(order.back));
  } else if (order.slow) {
    const { variable, type } = variables.get(order.slow);
    const late = () => new ua.DataValue({ value: { dataType: type, value: 7 }, sourceTimestamp: new Date() });
    variable.bindVariable(
      { refreshFunc: (callback) => setTimeout(() => callback(null, late()), order.ms) },
      true,
    );
  } else if (order.timeless) {
    const { variable, type } = variables.get(order.timeless);
    const bare = () =>
      new ua.DataValue({
        value: { dataType: type, value: order.value },
        sourceTimestamp: null,
        serverTimestamp: null,
      });
    variable.bindVariable({ timestamped_get: bare }, true);
  } else if (order.publishes) {
    for (const session of Object.values(server.engine._sessions ?? {})) {
      session.publishEngine.maxPublishRequestInQueue = order.publishes;
    }
  } else if (order.limits) {
    for (const number of [11705, 11714]) standard(number, ua.DataType.UInt32, 0);
  } else if (order.ask) {
    return String(variables.get(order.ask).variable.readValue().value.value);
  } else if (order.do === "drop_sessions") {
    for (const session of Object.values(server.engine._sessions ?? {})) {
      server.engine.closeSession(session.authenticationToken, true, "Terminated");
    }
  } else if (order.do === "drop_subscriptions") {
    for (const session of Object.values(server.engine._sessions ?? {})) {
      for (const subscription of [...session.publishEngine.subscriptions]) {
        session.deleteSubscription(subscription.id);
      }
    }
  }
  return "ok";
};
const lines = createInterface({ input: process.stdin });
lines.on("line", async (line) => {
  process.stdout.write(`${await obey(JSON.parse(line))}\n`);
});
lines.on("close", () => process.exit(0));
