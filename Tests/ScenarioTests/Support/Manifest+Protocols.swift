/// Resources for protocols and TLS.
extension Manifest {
    /// A gateway's process that listens on these ports: number and where it really is.
    static func gatewayProxy(
        _ ports: [(number: Int, port: UInt16)], admin: UInt16, mesh: String = "{accessLogFile: /dev/stdout}",
        more: String = ""
    ) -> String {
        let listen = ports.map { "  - {port: \($0.number), address: \"127.0.0.1:\($0.port)\"}" }
            .joined(separator: "\n")
        return """
            apiVersion: outrider.dev/v1alpha1
            kind: Proxy
            metadata: {name: ingress, namespace: shop, labels: {istio: ingressgateway, app: ingress}}
            spec:
              mode: gateway
              workers: 2
              serviceAccount: ingress
              admin: {address: "127.0.0.1:\(admin)"}
              meshConfig: \(mesh)
              \(more)
              listen:
            \(listen)
            """
    }

    /// A Gateway of these servers, each in flow style without braces.
    static func gateway(_ name: String = "web", servers: [String]) -> String {
        """
        apiVersion: networking.istio.io/v1
        kind: Gateway
        metadata: {name: \(name), namespace: shop}
        spec:
          selector: {istio: ingressgateway}
          servers:
        \(servers.map { "  - {\($0)}" }.joined(separator: "\n"))
        """
    }

    /// A Service whose port has this name, with endpoints on the loopback.
    static func destination(
        _ name: String, portName: String, number: Int = 80, ports: [UInt16], labels: String = "", account: String = ""
    ) -> String {
        let service = """
            apiVersion: v1
            kind: Service
            metadata: {name: \(name), namespace: shop}
            spec:
              selector: {app: \(name)}
              ports:
              - {name: \(portName), port: \(number), targetPort: it}
            """
        return ports.enumerated().reduce(service) { text, pod in
            text + """

                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: \(name)-\(pod.offset), namespace: shop, labels: {app: \(name), version: v\(pod.offset + 1)\(labels)}}
                spec:
                  \(account.isEmpty ? "" : "serviceAccountName: \(account)")
                  containers:
                  - name: it
                    ports:
                    - {name: it, containerPort: \(pod.element)}
                status: {podIP: 127.0.0.1}
                """
        }
    }

    static func policy(_ host: String, _ policy: String) -> String {
        """
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {name: \(host), namespace: shop}
        spec:
          host: \(host)
          trafficPolicy: \(policy)
        """
    }

    /// One rule that sends hosts to a Service.
    static func send(_ hosts: String, to service: String, gateways: String = "web") -> String {
        routes("- route:\n  - destination: {host: \(service)}", hosts: hosts, gateways: gateways, name: service)
    }

    static func resource(_ kind: String, _ name: String, _ spec: String, api: String = "networking.istio.io/v1") -> String {
        let lines = spec.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
        return "apiVersion: \(api)\nkind: \(kind)\nmetadata: {name: \(name), namespace: shop}\nspec:\n\(lines)"
    }
}
