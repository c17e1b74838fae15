package spring;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.rocketmq.spring.annotation.ExtRocketMQConsumerConfiguration;
import org.apache.rocketmq.spring.annotation.ExtRocketMQTemplateConfiguration;
import org.apache.rocketmq.spring.annotation.RocketMQMessageListener;
import org.apache.rocketmq.spring.annotation.RocketMQTransactionListener;
import org.apache.rocketmq.spring.autoconfigure.RocketMQProperties;
import org.apache.rocketmq.spring.core.RocketMQListener;
import org.apache.rocketmq.spring.core.RocketMQLocalRequestCallback;
import org.apache.rocketmq.spring.core.RocketMQLocalTransactionListener;
import org.apache.rocketmq.spring.core.RocketMQLocalTransactionState;
import org.apache.rocketmq.spring.core.RocketMQPushConsumerLifecycleListener;
import org.apache.rocketmq.spring.core.RocketMQReplyListener;
import org.apache.rocketmq.spring.core.RocketMQTemplate;
import org.apache.rocketmq.spring.support.RocketMQHeaders;

/**
 * Prints what rocketmq-spring offers, read from its classes, one a line:
 * 'annotation Name.attribute', 'template method(Type, Type)', 'interface Name.method', 'property name', 'header NAME'.
 */
public class Api {
    private static final Class<?>[] ANNOTATIONS = {RocketMQMessageListener.class, RocketMQTransactionListener.class,
        ExtRocketMQTemplateConfiguration.class, ExtRocketMQConsumerConfiguration.class};
    private static final Class<?>[] INTERFACES = {RocketMQListener.class, RocketMQReplyListener.class,
        RocketMQLocalTransactionListener.class, RocketMQLocalRequestCallback.class, RocketMQPushConsumerLifecycleListener.class};
    private static final Set<String> LINES = new TreeSet<>();

    public static void main(String[] args) {
        for (Class<?> annotation : ANNOTATIONS)
            for (Method attribute : annotation.getDeclaredMethods())
                LINES.add("annotation " + annotation.getSimpleName() + "." + attribute.getName());
        for (Class<?> type : INTERFACES)
            for (Method method : type.getMethods()) LINES.add("interface " + type.getSimpleName() + "." + method.getName());
        for (Object state : RocketMQLocalTransactionState.values()) LINES.add("interface RocketMQLocalTransactionState." + state);
        for (Method method : RocketMQTemplate.class.getMethods()) addMethod(method);
        for (Field header : RocketMQHeaders.class.getFields()) LINES.add("header " + header.getName());
        addProperties("rocketmq", RocketMQProperties.class);
        LINES.forEach(System.out::println);
    }

    /** Spring's own methods of the template belong to it as well; Object's do not, nor what the container calls. */
    private static void addMethod(Method method) {
        boolean isSpecial = method.isBridge() || method.isSynthetic() || Modifier.isStatic(method.getModifiers());
        boolean isObjects = method.getDeclaringClass() == Object.class;
        if (isSpecial || isObjects) return;
        String types = Arrays.stream(method.getParameterTypes()).map(Class::getSimpleName).collect(Collectors.joining(", "));
        LINES.add("template " + method.getName() + "(" + types + ")");
    }

    private static void addProperties(String prefix, Class<?> type) {
        for (Field field : type.getDeclaredFields()) {
            if (Modifier.isStatic(field.getModifiers()) || field.isSynthetic()) continue;
            String name = prefix + "." + field.getName();
            boolean isNested = field.getType().getName().startsWith(RocketMQProperties.class.getName());
            if (isNested) addProperties(name, field.getType());
            else LINES.add("property " + name);
        }
    }
}
