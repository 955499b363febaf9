import Foundation

extension Secret {
    init(_ document: YAMLNode, metadata: Metadata) {
        self.init(metadata: metadata)
        type = document.string("type")
        for entry in document["data"]?.entries ?? [] {
            let bytes = Data(base64Encoded: entry.value.text ?? "", options: .ignoreUnknownCharacters)
            values[entry.key] = SecretText(bytes.flatMap { String(validating: $0, as: UTF8.self) })
        }
        for entry in document["stringData"]?.entries ?? [] {
            values[entry.key] = SecretText(entry.value.text ?? "")
        }
    }
}

extension ConfigMap {
    init(_ document: YAMLNode, metadata: Metadata) {
        self.init(metadata: metadata)
        for entry in document["data"]?.entries ?? [] { data[entry.key] = entry.value.text ?? "" }
    }
}

extension PeerAuthentication {
    init(_ spec: YAMLNode, metadata: Metadata) {
        self.init(metadata: metadata)
        selector = spec["selector"]?.labels("matchLabels")
        mode = spec["mtls"]?.choice("mode", Mode.self) ?? .unset
        for entry in spec["portLevelMtls"]?.entries ?? [] {
            guard let port = Int(entry.key), (1...65535).contains(port) else {
                unusablePorts.append(entry.key)
                continue
            }
            portLevelMtls[port] = entry.value.choice("mode", Mode.self) ?? .unset
        }
    }
}
