//! Sales that begin with a name and an amount.

use std::sync::LazyLock;

use super::Words;
use crate::content::key_value::spoken_amount;

/// Names of a sale.
pub(super) const SALES: &[&str] = &[
    "sale",
    "purchase",
    "zahlung",
    "kauf",
    "vente",
    "paiement",
    "achat",
    "venta",
    "pago",
    "compra",
    "vendita",
    "pagamento",
    "acquisto",
    "venda",
    "betaling",
    "verkoop",
    "reservierung",
    "vorautorisierung",
    "demande",
    "richiesta",
    "satis",
    "satış",
    "bilet",
    "消费",
    "收款",
    "销售",
    "刷卡",
];

/// What begins a sale whatever else is named: a till that hands over, a machine that asks for a price, a kernel that starts.
pub(super) const OPENERS: &[&str] = &[
    "preauth",
    "pre-auth",
    "vend req",
    "-> payment",
    "=> payment",
    "=> paiement",
    "-> paiement",
    "ready for tap",
    "start amt",
    "arm amount",
    "승인요청",
    "주문",
];

static SALE: LazyLock<Words> = LazyLock::new(|| Words::new(SALES));

static OPENER: LazyLock<Words> = LazyLock::new(|| Words::new(OPENERS));

/// What is taken back, or over.
static NO_OPENER: LazyLock<Words> = LazyLock::new(|| {
    Words::new(&[
        "void", "refund", "storno", "revers", "cancel", "denied", "success", "취소", "撤销", "退货",
    ])
});

/// What has an amount and the name of a sale, and opens none: sums, slips, prices, other kinds of payment.
static NO_OPENING: LazyLock<Words> = LazyLock::new(|| {
    Words::new(&[
        "total",
        "sum",
        "batch",
        "settle",
        "report",
        "count",
        "print",
        "prn",
        "receipt",
        "slip",
        "ticket",
        "beleg",
        "bon",
        "summe",
        "umsatz",
        "rabatt",
        "price",
        "preis",
        "cash",
        "bar",
        "espèces",
        "especes",
        "efectivo",
        "contant",
        "void",
        "refund",
        "storno",
        "revers",
        "合计",
        "汇总",
        "打印",
        "小票",
        "撤销",
        "退货",
        "冲正",
        "现金",
        "结束",
        "完成",
        "end",
        "ended",
        "done",
        "ok",
        "finished",
        "abgebrochen",
        "antwort",
        "abgelehnt",
        "aborted",
        "declined",
        "refused",
        "refusé",
        "refuse",
        "rechazada",
        "rifiutata",
        "negata",
        "negada",
        "encerrada",
        "resultado",
        "result",
        "ergebnis",
        "resultat",
        "authrspc",
        "approved",
        "genehmigt",
        "aprobada",
        "aprovada",
        "approvata",
        "accepté",
        "ret",
        "成功",
        "失败",
        "iade",
        "iptal",
    ])
});

/// True for `SALE 4,50 EUR`, `TXN|BEGIN|消费|18.00`: a line with the name of a sale and an amount, and no word for its end.
#[must_use]
pub fn opens_sale(text: &[u8]) -> bool {
    if text.len() > 160 {
        return false;
    }
    let opens =
        OPENER.occur(text) && !NO_OPENER.occur(text) || SALE.stand(text) && !NO_OPENING.stand(text);
    opens && spoken_amount(text).is_some_and(|minor| minor > 0)
}

/// True for `银联闪付 消费 200分 OK tsn=004413`: a sale by name, what it cost, and that it went well, as validators write it on one line.
#[must_use]
pub fn ends_sale_well(text: &[u8]) -> bool {
    if text.len() > 160 || !SALE.stand(text) || NO_OPENER.occur(text) || BESIDE.stand(text) {
        return false;
    }
    let mut words = text.split(|b| !b.is_ascii_alphanumeric());
    words.any(|word| word == b"OK") && spoken_amount(text).is_some_and(|minor| minor > 0)
}

/// What goes well beside a sale: a slip, an upload, another way to pay.
static BESIDE: LazyLock<Words> = LazyLock::new(|| {
    Words::new(&[
        "print",
        "prn",
        "receipt",
        "slip",
        "beleg",
        "upload",
        "send",
        "sent",
        "cash",
        "total",
        "batch",
        "打印",
        "小票",
        "上送",
        "上传",
        "现金",
        "二维码",
        "扫码",
        "qr",
    ])
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sale_ends_well_on_one_line() {
        for (text, want) in [
            ("银联闪付 消费 200分 OK tsn=004413 用时361ms", true),
            ("SALE 12.50 EUR OK 000123", true),
            ("二维码 消费 200分 OK tsn=004414", false),
            ("SALE 12.50 EUR print OK", false),
            ("SALE 12.50 EUR", false),
            ("SALE OK", false),
        ] {
            assert_eq!(ends_sale_well(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn a_sale_opens_with_its_name_and_an_amount() {
        for text in [
            "SALE 4,50 EUR",
            "TXN|BEGIN|消费|18.00",
            "交易 消费 11.50",
            "Zahlung 12,75 EUR angefordert",
            "sale 45.00",
            "vente 12.30",
            "pump 07 preauth EUR 150.00",
            "basket 5501 total 9.50 GBP -> payment",
            "GMP3 <- SATIS 1.120,00 TL fiş 0190",
            "Reservierung LP-2 60,00 EUR, warte auf Karte",
            "<< 13 00 00 12 00 07 2C VEND REQ price=1.80 item=7",
            "주문 0312 합계 8,900원",
            "trx 4411 96.20 ready for tap",
        ] {
            assert!(opens_sale(text.as_bytes()), "{text}");
        }
        for text in [
            "SALE TOTAL 120.50",
            "wholesale 4.50",
            "sale started",
            "PRN receipt SALE 4.50",
            "消费撤销 18.00",
            "sale ended 4.50",
            "刷卡 失败 E21 票价 2.00",
            "preauth 150.00 cancelled",
            "Kauf CHF 23.60 seq=1410 keine Antwort FE -> abgebrochen",
            "venda 54,30 encerrada ret=-2014",
        ] {
            assert!(!opens_sale(text.as_bytes()), "{text}");
        }
    }
}
