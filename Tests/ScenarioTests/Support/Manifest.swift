/// Resources as text. Everything lives in the namespace `shop`, on 127.0.0.1.
enum Manifest {
    static func join(_ documents: String...) -> String { documents.joined(separator: "\n---\n") }

    /// The process of a gateway, with a Gateway for every host on port 80.
    static func gateway(port: UInt16, admin: UInt16, mesh: String = "{}") -> String {
        """
        apiVersion: outrider.dev/v1alpha1
        kind: Proxy
        metadata: {name: ingress, namespace: shop, labels: {istio: ingressgateway, app: ingress}}
        spec:
          mode: gateway
          workers: 2
          admin: {address: "127.0.0.1:\(admin)"}
          listen:
          - {port: 80, address: "127.0.0.1:\(port)"}
          meshConfig: \(mesh)
        ---
        apiVersion: networking.istio.io/v1
        kind: Gateway
        metadata: {name: web, namespace: shop}
        spec:
          selector: {istio: ingressgateway}
          servers:
          - port: {number: 80, name: http, protocol: HTTP}
            hosts: ["*"]
        """
    }

    static func sidecar(admin: UInt16, mesh: String) -> String {
        """
        apiVersion: outrider.dev/v1alpha1
        kind: Proxy
        metadata: {name: client, namespace: shop, labels: {app: client}}
        spec:
          mode: sidecar
          workers: 2
          admin: {address: "127.0.0.1:\(admin)"}
          meshConfig: \(mesh)
        """
    }

    /// A Service on port 80 and its Pods, which have their own port under the name that the Service targets.
    static func service(_ name: String, _ pods: [(version: String, port: UInt16)]) -> String {
        let service = """
            apiVersion: v1
            kind: Service
            metadata: {name: \(name), namespace: shop}
            spec:
              selector: {app: \(name)}
              ports:
              - {name: http, port: 80, targetPort: web}
            """
        return pods.enumerated().reduce(service) { text, pod in
            text + """

                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: \(name)-\(pod.offset), namespace: shop, labels: {app: \(name), version: \(pod.element.version)}}
                spec:
                  containers:
                  - name: \(name)
                    ports:
                    - {name: web, containerPort: \(pod.element.port)}
                status: {podIP: 127.0.0.1}
                """
        }
    }

    /// A DestinationRule with a subset for each version.
    static func subsets(_ host: String, _ versions: [String] = ["v1", "v2"], policy: String? = nil) -> String {
        let subsets = versions.map { "  - {name: \($0), labels: {version: \($0)}}" }.joined(separator: "\n")
        return """
            apiVersion: networking.istio.io/v1
            kind: DestinationRule
            metadata: {name: \(host), namespace: shop}
            spec:
              host: \(host)
              \(policy.map { "trafficPolicy: \($0)" } ?? "# no policy")
              subsets:
            \(subsets)
            """
    }

    /// A VirtualService with these rules, on the gateway unless told otherwise.
    static func routes(_ http: String, hosts: String = "\"*\"", gateways: String = "web", name: String = "routes")
        -> String
    {
        let rules = http.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
        return """
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata: {name: \(name), namespace: shop}
            spec:
              hosts: [\(hosts)]
              gateways: [\(gateways)]
              http:
            \(rules)
            """
    }

    /// One rule that splits between v1 and v2 of `catalog`.
    static func split(_ v1: Int, _ v2: Int) -> String {
        routes(
            """
            - route:
              - destination: {host: catalog, subset: v1}
                weight: \(v1)
              - destination: {host: catalog, subset: v2}
                weight: \(v2)
            """)
    }
}
