//! The connector's description for Logto's Console: names, texts, form items.

use serde_json::{Value, json};

/// The factory id of the official connector: the stored configuration stays in use when one replaces the other.
pub const ID: &str = "smsaero-short-message-service";

/// The target of the official connector, for the same reason.
pub const TARGET: &str = "smsaero-sms";

/// Logto's nine usage types and the text that a new configuration has for each.
///
/// One GSM part with a six-digit code, and no word on how long the code lives, which Logto does not pass to connectors. Short,
/// since the Console's editor grows with its longest line.
pub const DEFAULT_TEMPLATES: [(&str, &str); 9] = [
    ("SignIn", "{{code}} is your code to sign in."),
    ("Register", "{{code}} is your code to sign up."),
    ("ForgotPassword", "{{code}} is your code for a new password."),
    ("OrganizationInvitation", "{{code}} is your code to join."),
    ("Generic", "{{code}} is your confirmation code."),
    ("UserPermissionValidation", "{{code}} confirms that it is you."),
    ("BindNewIdentifier", "{{code}} is your code to add this number."),
    ("MfaVerification", "{{code}} is your second step to sign in."),
    ("BindMfa", "{{code}} turns on two-step sign-in."),
];

/// The `metadata` of the connector object. No key holds `undefined`, and the optional items come after the official ones.
pub fn metadata() -> Value {
    json!({
        "id": ID,
        "target": TARGET,
        "platform": null,
        "name": {
            "en": "SMS Aero (native)",
            "ru": "SMS Aero (нативный)",
            "de": "SMS Aero (nativ)",
            "fr": "SMS Aero (natif)",
            "zh-CN": "SMS Aero（原生）",
            "tr-TR": "SMS Aero (yerel)",
            "ko": "SMS Aero (네이티브)",
        },
        "logo": "./logo.svg",
        "logoDark": null,
        "description": {
            "en": "Sends Logto's verification codes by SMS through SMS Aero, with deadlines, spare gateways and errors that say what to do.",
            "ru": "Отправляет коды подтверждения Logto по SMS через SMS Aero: с предельным временем ожидания, запасными шлюзами и понятными ошибками.",
            "de": "Verschickt Logtos Bestätigungscodes per SMS über SMS Aero, mit Zeitgrenzen, Ersatz-Gateways und Fehlern, die sagen, was zu tun ist.",
            "fr": "Envoie les codes de vérification de Logto par SMS via SMS Aero, avec des délais bornés, des passerelles de secours et des erreurs qui disent quoi faire.",
            "zh-CN": "通过 SMS Aero 以短信发送 Logto 的验证码，具备超时限制、备用网关和可操作的错误提示。",
            "tr-TR": "Logto'nun doğrulama kodlarını SMS Aero üzerinden SMS ile gönderir; süre sınırları, yedek ağ geçitleri ve ne yapılacağını söyleyen hatalarla.",
            "ko": "SMS Aero를 통해 Logto의 인증 코드를 문자로 보냅니다. 시간 제한, 예비 게이트웨이, 해결 방법을 알려 주는 오류를 갖추었습니다.",
        },
        "readme": "./docs/console.md",
        "formItems": [
            {
                "key": "email",
                "label": "Email",
                "type": "Text",
                "required": true,
                "placeholder": "owner@example.com",
                "description": "The e-mail address of the SMS Aero account.",
            },
            {
                "key": "apiKey",
                "label": "API Key",
                "type": "Text",
                "required": true,
                "placeholder": "from the API settings of SMS Aero's dashboard",
            },
            {
                "key": "senderName",
                "label": "Sender Name",
                "type": "Text",
                "required": true,
                "placeholder": "SMSAero",
                "description": "A sender name that SMS Aero approved for the account, spelled exactly as in the dashboard.",
            },
            {
                "key": "templates",
                "label": "Templates",
                "type": "Json",
                "required": true,
                "description": "One entry for each usage type. A locale such as \"ru\" makes an entry for one language; the test below uses the Generic entry without one.",
                "defaultValue": DEFAULT_TEMPLATES
                    .map(|(usage_type, content)| json!({ "usageType": usage_type, "content": content })),
            },
            {
                "key": "fallbackToGeneric",
                "label": "Use the Generic template where one is missing",
                "type": "Switch",
                "required": false,
                "defaultValue": true,
                "description": "A message of a usage type that has no template is sent with the Generic one.",
            },
            {
                "key": "testMode",
                "label": "Test mode",
                "type": "Switch",
                "required": false,
                "defaultValue": false,
                "description": "SMS Aero answers as if it sent, but nothing is sent and nothing charged.",
            },
            {
                "key": "allowedPrefixes",
                "label": "Allowed prefixes",
                "type": "Text",
                "required": false,
                "placeholder": "7, 375",
                "description": "Calling codes that may be written to, separated by commas. Empty, or the word all: every number.",
            },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT_TEMPLATES, metadata};
    use crate::{
        logto::config::Config,
        smsaero::segment::{Alphabet, count},
    };

    #[test]
    fn every_default_template_is_one_gsm_part() {
        for (usage_type, content) in DEFAULT_TEMPLATES {
            let segments = count(&content.replace("{{code}}", "123456"));
            assert_eq!((segments.alphabet, segments.parts), (Alphabet::Gsm, 1), "{usage_type}");
            assert!(content.contains("{{code}}"), "{usage_type}");
        }
    }

    #[test]
    fn the_default_templates_make_a_configuration_valid() {
        let metadata = metadata();
        let templates = metadata.pointer("/formItems/3/defaultValue");
        let value = serde_json::json!({ "email": "a@b.co", "apiKey": "k", "senderName": "s", "templates": templates });
        let config = Config::parse(&Some(&value));
        assert!(config.is_ok_and(|config| config.templates.len() == 9 && config.email == "a@b.co"));
    }
}
