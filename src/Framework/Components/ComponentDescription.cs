using System.Reflection;
using Microsoft.Extensions.DependencyInjection;

namespace Tessera.Framework.Components;

/// <summary>A registered component: its name, its constructor and the keys it takes. Read by reflection when first asked.</summary>
public sealed class ComponentDescription
{
    private readonly Lazy<ComponentShape> _shape;

    internal ComponentDescription(ComponentKind kind, string name, Type type, PartTable parts)
    {
        (Kind, Name, Type) = (kind, name, type);
        _shape = new Lazy<ComponentShape>(() => ComponentShape.Read(this, parts));
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
    Part,
    Service,
}

/// <param name="Key">Of a child.</param>
/// <param name="Source">Of a part.</param>
internal sealed record ParameterShape(ParameterInfo Parameter, ParameterRole Role, ConfigKey? Key = null, PartSource? Source = null);

/// <summary>A component's constructor and shared properties, sorted by where their values come from.</summary>
internal sealed class ComponentShape
{
    public required IReadOnlyList<ParameterShape> Parameters { get; init; }

    /// <summary>Calls the constructor with the parameters that are no services, in order; those it takes from the provider.</summary>
    public required ObjectFactory Factory { get; init; }

    /// <summary>What it may get, for messages.</summary>
    public required IReadOnlyList<Type> Receives { get; init; }

    public required RecordShape? Options { get; init; }

    /// <summary>Keys set on properties after construction.</summary>
    public required IReadOnlyList<(PropertyInfo Property, ConfigKey Key)> Shared { get; init; }

    public required IReadOnlyList<ConfigKey> Keys { get; init; }

    public static ComponentShape Read(ComponentDescription component, PartTable table)
    {
        var constructor =
            component.Type.GetConstructors().MaxBy(candidate => candidate.GetParameters().Length)
            ?? throw new UserErrorException(ComponentErrors.NoConstructor(component));
        var parameters = constructor.GetParameters().Select(parameter => Read(component, parameter, table)).ToList();
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
            Parameters = parameters,
            Factory = ActivatorUtilities.CreateFactory(
                component.Type,
                [.. parameters.Where(parameter => parameter.Role != ParameterRole.Service).Select(given => given.Parameter.ParameterType)]
            ),
            Receives = [.. table.For(component.Type)],
            Options = options,
            Shared = shared,
            Keys = keys,
        };
    }

    private static ParameterShape Read(ComponentDescription component, ParameterInfo parameter, PartTable table)
    {
        var type = parameter.ParameterType;
        if (table.Find(component.Type, type) is { } source)
            return new ParameterShape(parameter, ParameterRole.Part, Source: source);
        if (OptionTypes.ChildType.For(type) is { } child)
            return new ParameterShape(parameter, ParameterRole.Child, ConfigKey.Of(parameter, child));
        return new ParameterShape(parameter, IsRecord(type) && !table.Contains(type) ? ParameterRole.Options : ParameterRole.Service);
    }

    /// <summary>Records are options: the compiler gives each a method of this name, which no other type can have.</summary>
    private static bool IsRecord(Type type) => type is { IsClass: true, IsAbstract: false } && type.GetMethod("<Clone>$") is not null;
}
