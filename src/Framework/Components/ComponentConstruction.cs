using System.Collections;
using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;

namespace Tessera.Framework.Components;

/// <summary>
/// Builds a bound component. Its children are built first, in the constructor's order, each once; its parts come from where the
/// <see cref="PartTable"/> says; the rest of its constructor is filled by Microsoft.Extensions.DependencyInjection.
/// </summary>
internal sealed class ComponentConstruction
{
    private const string LocatedKey = "Tessera.Located";

    private readonly BoundComponent _bound;
    private readonly ComponentConstruction? _around;
    private readonly IServiceProvider _services;
    private readonly object[] _given;
    private readonly Dictionary<string, object?> _children = [];
    private readonly HashSet<string> _beingBuilt = [];

    private ComponentConstruction(BoundComponent bound, ComponentConstruction? around, IServiceProvider services, object[] given) =>
        (_bound, _around, _services, _given) = (bound, around, services, given);

    /// <param name="given">Parts that are handed over.</param>
    public static object Build(BoundComponent bound, IServiceProvider services, object[] given) =>
        new ComponentConstruction(bound, null, services, given).Build();

    private ComponentShape Shape => _bound.Component.Shape;

    private object Build()
    {
        try
        {
            var arguments = Shape.Parameters.Where(parameter => parameter.Role != ParameterRole.Service).Select(Argument).ToArray();
            foreach (var parameter in Shape.Parameters.Where(parameter => parameter.Role == ParameterRole.Service))
                RequireService(parameter.Parameter);
            var component = Shape.Factory(_services, arguments);
            foreach (var (property, key) in Shape.Shared)
            {
                if (_bound.Values.ContainsKey(key.Name))
                    property.SetValue(component, Child(key.Name, property.PropertyType));
            }

            ComponentPlace.Note(component, new ComponentPlace(_bound.Component, _bound.Source, _bound.Path));
            return component;
        }
        catch (UserErrorException exception) when (!exception.Data.Contains(LocatedKey))
        {
            throw Located(exception.Message.ReplaceLineEndings("\n  "), exception);
        }
        catch (Exception exception) when (exception is ArgumentException or ExternalException or OverflowException)
        {
            // What layers, the tensor library's among them, say of sizes that can't be.
            throw Located($"{_bound.Component.Name} can't be built with these options: {exception.Message.Split('\n')[0]}", exception);
        }
    }

    private object? Argument(ParameterShape parameter) =>
        parameter.Role switch
        {
            ParameterRole.Options => _bound.Options,
            ParameterRole.Child => Child(parameter.Key!.Name, parameter.Parameter.ParameterType) ?? DefaultOf(parameter.Parameter),
            _ => Part(parameter.Source!)
                ?? (
                    parameter.Parameter.HasDefaultValue
                        ? DefaultOf(parameter.Parameter)
                        : throw new UserErrorException(ComponentErrors.NoPart(_bound.Component, parameter.Source!))
                ),
        };

    private static object? DefaultOf(ParameterInfo parameter) => parameter.HasDefaultValue ? parameter.DefaultValue : null;

    /// <summary>The child under a key, built at the first call; null where the config has none.</summary>
    private object? Child(string key, Type type)
    {
        if (_children.TryGetValue(key, out var built) || !_bound.Values.TryGetValue(key, out var value))
            return built;
        _beingBuilt.Add(key);
        try
        {
            return _children[key] = Materialize(value, type);
        }
        finally
        {
            _beingBuilt.Remove(key);
        }
    }

    private object? Materialize(object? value, Type type)
    {
        switch (value)
        {
            case BoundComponent bound:
                return Inside(bound);
            case Array list and (BoundComponent[] or BoundComponent[][]):
                var item = OptionTypes.ListType.ItemOf(type)!;
                var items = Array.CreateInstance(OptionTypes.ListType.ItemOf(item)?.MakeArrayType() ?? item, list.Length);
                for (var i = 0; i < list.Length; i++)
                    items.SetValue(Materialize(list.GetValue(i), item), i);
                return items;
            case IReadOnlyDictionary<string, BoundComponent> map:
                var entries = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(type.GenericTypeArguments))!;
                foreach (var (key, bound) in map)
                    entries.Add(key, Inside(bound));
                return entries;
            default:
                return value;
        }
    }

    private object Inside(BoundComponent child) => new ComponentConstruction(child, this, _services, _given).Build();

    /// <summary>From the components around this, the nearest first; otherwise from what the builder handed over.</summary>
    private object? Part(PartSource source)
    {
        for (var around = _around; around is not null; around = around._around)
        {
            foreach (var key in source.From)
            {
                if (around.Neighbour(key) is { } neighbour && source.Part.IsInstanceOfType(neighbour))
                    return neighbour;
            }
        }
        return Array.FindLast(_given, source.Part.IsInstanceOfType);
    }

    /// <summary>A child for one of its siblings, or for what is inside them; never for itself.</summary>
    private object? Neighbour(string key) =>
        _beingBuilt.Contains(key) ? null
        : Shape.Parameters.FirstOrDefault(parameter => parameter.Key?.Name == key) is { } parameter
            ? Child(key, parameter.Parameter.ParameterType)
        : null;

    /// <exception cref="UserErrorException">The constructor asks for something that nobody gives.</exception>
    private void RequireService(ParameterInfo parameter)
    {
        if (parameter.HasDefaultValue || parameter.GetCustomAttribute<FromKeyedServicesAttribute>() is not null)
            return;
        var known = _services.GetService<IServiceProviderIsService>() is { } services
            ? services.IsService(parameter.ParameterType)
            : _services.GetService(parameter.ParameterType) is not null;
        if (!known)
            throw new UserErrorException(ComponentErrors.NothingProvides(_bound.Component, parameter.ParameterType));
    }

    private UserErrorException Located(string text, Exception exception)
    {
        var place = _bound.Path.Length == 0 ? $"{_bound.Source}" : $"{_bound.Source}  {_bound.Path}";
        var located = new UserErrorException($"{place}\n  {text}", exception);
        located.Data[LocatedKey] = true;
        return located;
    }
}
