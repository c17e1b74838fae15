package spring;

import java.time.LocalDateTime;

/** The payload that goes both ways. */
public class Order {
    public String id;
    public long amount;
    public LocalDateTime createdAt;

    public Order() {
    }

    Order(String id, long amount) {
        this.id = id;
        this.amount = amount;
        this.createdAt = LocalDateTime.of(2026, 11, 27, 12, 30, 15);
    }
}
