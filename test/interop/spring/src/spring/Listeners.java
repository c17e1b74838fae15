package spring;

import java.util.Map;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.spring.annotation.ConsumeMode;
import org.apache.rocketmq.spring.annotation.RocketMQMessageListener;
import org.apache.rocketmq.spring.annotation.RocketMQTransactionListener;
import org.apache.rocketmq.spring.core.RocketMQListener;
import org.apache.rocketmq.spring.core.RocketMQLocalTransactionListener;
import org.apache.rocketmq.spring.core.RocketMQLocalTransactionState;
import org.apache.rocketmq.spring.core.RocketMQPushConsumerLifecycleListener;
import org.apache.rocketmq.spring.core.RocketMQReplyListener;
import org.apache.rocketmq.spring.support.RocketMQHeaders;
import org.springframework.messaging.Message;
import org.springframework.stereotype.Service;

/** The listeners of the app: what the Nest app has sent. */
public class Listeners {
    /**
     * A consumer's first rebalance and its first periodic heartbeat fall on the same moment, a second after its start. Whichever
     * comes second gives up, and if that is the rebalance, the broker refuses the consumer's pulls, Apache's as well as ours,
     * until the next heartbeat: by default 30 s later.
     */
    private static final int HEARTBEAT_MS = 1_000;

    /** Begins with the oldest message, in whatever order the two apps start. */
    abstract static class FromFirst implements RocketMQPushConsumerLifecycleListener {
        @Override
        public void prepareStart(DefaultMQPushConsumer consumer) {
            consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
            consumer.setHeartbeatBrokerInterval(HEARTBEAT_MS);
        }
    }

    @Service
    @RocketMQMessageListener(topic = "to-spring", consumerGroup = "spring-raw")
    static class Raw extends FromFirst implements RocketMQListener<MessageExt> {
        @Override
        public void onMessage(MessageExt message) {
            SpringPeer.printReceived("received", message);
        }
    }

    @Service
    @RocketMQMessageListener(topic = "to-spring", selectorExpression = "order", consumerGroup = "spring-orders")
    static class Orders extends FromFirst implements RocketMQListener<Order> {
        @Override
        public void onMessage(Order order) {
            SpringPeer.print("order", Map.of("id", order.id, "amount", order.amount, "createdAt", order.createdAt.toString()));
        }
    }

    @Service
    @RocketMQMessageListener(topic = "to-spring-order", consumerGroup = "spring-order", consumeMode = ConsumeMode.ORDERLY)
    static class InOrder extends FromFirst implements RocketMQListener<MessageExt> {
        @Override
        public void onMessage(MessageExt message) {
            SpringPeer.printReceived("in order", message);
        }
    }

    @Service
    @RocketMQMessageListener(topic = "ask-spring", consumerGroup = "spring-answers")
    static class Answers extends FromFirst implements RocketMQReplyListener<Order, Order> {
        @Override
        public Order onMessage(Order order) {
            return new Order(order.id + " answered", order.amount + 1);
        }
    }

    @Service
    @RocketMQMessageListener(topic = "ask-spring-text", consumerGroup = "spring-text-answers")
    static class TextAnswers extends FromFirst implements RocketMQReplyListener<String, String> {
        @Override
        public String onMessage(String question) {
            return "spring: " + question;
        }
    }

    @RocketMQTransactionListener
    static class Transactions implements RocketMQLocalTransactionListener {
        @Override
        public RocketMQLocalTransactionState executeLocalTransaction(Message message, Object arg) {
            return (RocketMQLocalTransactionState) arg;
        }

        @Override
        public RocketMQLocalTransactionState checkLocalTransaction(Message message) {
            String body = new String((byte[]) message.getPayload(), java.nio.charset.StandardCharsets.UTF_8);
            Object keys = message.getHeaders().get(RocketMQHeaders.PREFIX + RocketMQHeaders.KEYS);
            SpringPeer.print("checked", Map.of("body", body, "keys", String.valueOf(keys)));
            return body.equals("spring ROLLBACK") ? RocketMQLocalTransactionState.ROLLBACK : RocketMQLocalTransactionState.COMMIT;
        }
    }
}
