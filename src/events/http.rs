//! API Gateway, a function URL, a load balancer or Amazon VPC Lattice, whose
//! response may have no keys but their own.

use aws_lambda_events::alb::ElbContext;
use aws_lambda_events::apigw::ApiGatewayV2httpRequestContextHttpDescription;
use permissions_core::problem::Problem;
use serde::Deserialize;
use serde_json::Value;

/// The event of an HTTP front end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpEvent {
    method: String,
    /// Whether a load balancer is set to exchange lists of values (Elastic Load
    /// Balancing User Guide, "Multi-value headers"): then it sends no plain headers.
    pub multi_value_headers: bool,
}

impl HttpEvent {
    /// The methods that ask for a check: it changes nothing.
    pub const METHODS: &str = "GET, HEAD";

    /// The event, if it came through a front end. Each is known by the part of its event that no other event has.
    pub fn from_event(event: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        // VPC Lattice Guide, "Lambda functions as targets": the event of version 1.0 has no context.
        if let (true, Some(method)) = (event["raw_path"].is_string(), text(&event["method"])) {
            return Some(Self { method, multi_value_headers: false });
        }
        let context = event.get("requestContext").filter(|context| context.is_object())?;
        let version_2 = ApiGatewayV2httpRequestContextHttpDescription::deserialize(&context["http"]).ok();
        let load_balancer = ElbContext::deserialize(&context["elb"]).is_ok();
        let method = match (version_2, event["httpMethod"].as_str()) {
            (Some(request), _) => request.method.to_string(),
            (None, Some(method)) => method.to_owned(),
            (None, None) if load_balancer => "GET".to_owned(),
            // A message of API Gateway's WebSocket APIs has no method.
            (None, None) if context["connectionId"].is_string() => "GET".to_owned(),
            (None, None) if context["serviceNetworkArn"].is_string() => text(&event["method"])?,
            (None, None) => return None,
        };
        let multi_value_headers =
            load_balancer && event["multiValueHeaders"].is_object() && !event["headers"].is_object();
        Some(Self { method, multi_value_headers })
    }

    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// What is wrong with the method, if anything.
    pub fn problem(&self) -> Option<Problem> {
        let known = Self::METHODS.split(", ").any(|method| method == self.method);
        (!known).then(|| Problem::new("method", Some(self.method.as_str().into()), Self::METHODS))
    }
}

/// Whether an event came through an HTTP front end.
pub fn is_http(event: &Value) -> bool {
    HttpEvent::from_event(event).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_front_end_is_known_by_its_event() {
        for context in [
            json!({"http": {"method": "GET"}}),
            json!({"elb": {}}),
            json!({"connectionId": "a", "eventType": "MESSAGE"}),
        ] {
            assert!(is_http(&json!({"requestContext": context, "probe": {"verbose": true}})));
        }
        assert!(is_http(&json!({"httpMethod": "GET", "requestContext": {"stage": "prod"}})));
        // The two forms of VPC Lattice.
        assert!(is_http(&json!({"method": "GET", "raw_path": "/", "headers": {}, "is_base64_encoded": false})));
        let network = "arn:aws:vpc-lattice:us-east-1:123456789012:servicenetwork/sn-0";
        assert!(is_http(&json!({"version": "2.0", "method": "GET", "requestContext": {"serviceNetworkArn": network}})));
        for event in [
            json!({"requestContext": {"functionArn": "an asynchronous destination's record"}}),
            json!({"requestContext": {"http": true, "elb": null}}),
            json!({"requestContext": "http"}),
            json!({"httpMethod": "GET"}),
            json!(null),
        ] {
            assert!(!is_http(&event), "{event}");
        }
    }
}
