import Testing

@testable import Demo

@Suite struct ObservationTests {
    private let metrics = """
        istio_requests_total{reporter="destination",connection_security_policy="mutual_tls"} 40
        istio_requests_total{reporter="destination",connection_security_policy="none"} 2
        istio_requests_total{reporter="source",connection_security_policy="unknown"} 7
        istio_request_bytes_sum{reporter="destination"} 9
        """

    @Test("What came in is counted, and what of it came over mutual TLS")
    func received() {
        #expect(Observation.received(metrics) == 42)
        #expect(Observation.received(metrics, label: #"connection_security_policy="mutual_tls""#) == 40)
    }
}
