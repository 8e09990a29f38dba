using System.Reflection;

namespace Tessera.Framework.Components;

/// <summary>A registered component: its name, its constructor and the keys it takes. Read by reflection when first asked.</summary>
public sealed class ComponentDescription
{
    private readonly Lazy<ComponentShape> _shape;

    internal ComponentDescription(ComponentKind kind, string name, Type type)
    {
        (Kind, Name, Type) = (kind, name, type);
        _shape = new Lazy<ComponentShape>(() => ComponentShape.Read(this));
    }

    public ComponentKind Kind { get; }

    public string Name { get; }

    public Type Type { get; }

    /// <summary>The keys it takes besides "type": options, children, then what its base classes share.</summary>
    public IReadOnlyList<ConfigKey> Keys => _shape.Value.Keys;

    internal ComponentShape Shape => _shape.Value;
}

/// <summary>How a constructor parameter is filled.</summary>
internal enum ParameterRole
{
    Options,
    Child,
    Service,
}

internal sealed record ParameterShape(ParameterInfo Parameter, ParameterRole Role, ConfigKey? Key);

/// <summary>A component's constructor and shared properties, sorted by where their values come from.</summary>
internal sealed class ComponentShape
{
    public required ConstructorInfo Constructor { get; init; }

    public required IReadOnlyList<ParameterShape> Parameters { get; init; }

    public required RecordShape? Options { get; init; }

    /// <summary>Keys set on properties after construction.</summary>
    public required IReadOnlyList<(PropertyInfo Property, ConfigKey Key)> Shared { get; init; }

    public required IReadOnlyList<ConfigKey> Keys { get; init; }

    public static ComponentShape Read(ComponentDescription component)
    {
        var constructor =
            component.Type.GetConstructors().MaxBy(candidate => candidate.GetParameters().Length)
            ?? throw new UserErrorException(ComponentErrors.NoConstructor(component));
        var parameters = constructor.GetParameters().Select(Read).ToList();
        var records = parameters.Where(parameter => parameter.Role == ParameterRole.Options).ToList();
        if (records.Count > 1)
            throw new UserErrorException(ComponentErrors.SeveralRecords(component));
        var options = records.Count == 0 ? null : RecordShape.Of(records[0].Parameter.ParameterType);
        var shared = component
            .Type.GetProperties()
            .Where(property => property.GetCustomAttribute<FromConfigAttribute>() is not null)
            .Select(property => (property, ConfigKey.Of(property, defaultFrom: null)))
            .ToList();
        var keys = (options?.Keys ?? [])
            .Concat(parameters.Select(parameter => parameter.Key).OfType<ConfigKey>())
            .Concat(shared.Select(pair => pair.Item2))
            .ToList();
        if (keys.GroupBy(key => key.Name).FirstOrDefault(group => group.Count() > 1 || group.Key == "type") is { } twice)
            throw new UserErrorException(ComponentErrors.OptionTwice(component, twice.Key));
        return new ComponentShape
        {
            Constructor = constructor,
            Parameters = parameters,
            Options = options,
            Shared = shared,
            Keys = keys,
        };
    }

    private static ParameterShape Read(ParameterInfo parameter)
    {
        var type = parameter.ParameterType;
        if (type.Name.EndsWith("Options", StringComparison.Ordinal) && type is { IsInterface: false, IsGenericType: false })
            return new ParameterShape(parameter, ParameterRole.Options, null);
        return OptionTypes.ChildType.For(type) is { } child
            ? new ParameterShape(parameter, ParameterRole.Child, ConfigKey.Of(parameter, child))
            : new ParameterShape(parameter, ParameterRole.Service, null);
    }
}
