extension Findings {
    mutating func check(_ authentication: PeerAuthentication) {
        let selector = authentication.selector
        for (key, value) in (selector ?? [:]).sorted(by: { $0.key < $1.key }) {
            if key.isEmpty { error("the selector has an empty label name") }
            if key.contains("*") || value.contains("*") {
                error("the selector has a wildcard, which selects nothing", fix: "name the label's value")
            }
        }
        for port in authentication.unusablePorts.sorted() {
            error("portLevelMtls names \(port.quotedForMessage), which is not a port")
        }
        let hasPorts = !authentication.portLevelMtls.isEmpty || !authentication.unusablePorts.isEmpty
        if hasPorts, selector?.isEmpty ?? true {
            error(
                "portLevelMtls needs a selector with matchLabels",
                fix: "ports belong to workloads: name them by their labels")
        }
    }

    /// Values are not shown: only keys.
    mutating func check(_ secret: Secret) {
        for key in secret.values.keys.sorted() where secret.values[key]?.text == nil {
            // Only those keys matter which a proxy reads; keystores beside them may be binary.
            if ["tls.crt", "tls.key", "ca.crt", "ca.crl", "cert", "key", "cacert"].contains(key) {
                error(
                    "data \(key.quotedForMessage) is not the base64 of a text",
                    fix: "write it under stringData as it is, or encode it with base64")
            }
        }
    }
}
