// Lists Nest's metadata keys that this package reads, which Nest does not export. A test compares them with the decorators
// of the installed version.

export const GUARDS_METADATA = '__guards__';
export const INTERCEPTORS_METADATA = '__interceptors__';
export const PIPES_METADATA = '__pipes__';
export const EXCEPTION_FILTERS_METADATA = '__exceptionFilters__';

/** On a filter's class: the error classes of its @Catch. */
export const FILTER_CATCH_EXCEPTIONS = '__filterCatchExceptions__';

/** On a class, for each method: its parameter decorators. */
export const ROUTE_ARGS_METADATA = '__routeArguments__';
/** Part of the key of a parameter whose decorator createParamDecorator made. */
export const CUSTOM_ROUTE_ARGS_METADATA = '__customRouteArgs__';

/** The options of @Injectable. */
export const SCOPE_OPTIONS_METADATA = 'scope:options';

/** The parameters' types, which TypeScript emits for a method that is decorated or has a decorated parameter. */
export const PARAMTYPES_METADATA = 'design:paramtypes';

/** On a class: the constructor's parameters with @Optional. */
export const OPTIONAL_DEPS_METADATA = 'optional:paramtypes';
/** On a class: the dependencies that @Inject names for parameters of its constructor, and for its properties. */
export const SELF_DECLARED_DEPS_METADATA = 'self:paramtypes';
export const PROPERTY_DEPS_METADATA = 'self:properties_metadata';
