using System.Collections;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Tessera.Framework.Components;

/// <summary>Builds bound components: children first, in the constructor's order; other parameters by type.</summary>
/// <param name="parent">The component around this one; null outside.</param>
internal sealed class ComponentConstruction(ComponentConstruction? parent, IServiceProvider services, object[] given)
{
    private const string LocatedKey = "Tessera.Located";

    private readonly List<object> _built = [];

    public static object Build(BoundComponent bound, IServiceProvider services, object[] given) =>
        new ComponentConstruction(null, services, given).Build(bound);

    private object Build(BoundComponent bound)
    {
        var inside = new ComponentConstruction(this, services, given);
        try
        {
            var shape = bound.Component.Shape;
            var arguments = shape.Parameters.Select(parameter => inside.Argument(bound, parameter)).ToArray();
            var component = shape.Constructor.Invoke(BindingFlags.DoNotWrapExceptions, null, arguments, null);
            foreach (var (property, key) in shape.Shared)
            {
                if (bound.Values.TryGetValue(key.Name, out var value))
                    property.SetValue(component, inside.Materialize(value, property.PropertyType));
            }

            ComponentPlace.Note(component, new ComponentPlace(bound.Component, bound.Source, bound.Path));
            _built.Add(component);
            return component;
        }
        catch (UserErrorException exception) when (!exception.Data.Contains(LocatedKey))
        {
            var place = bound.Path.Length == 0 ? $"{bound.Source}" : $"{bound.Source}  {bound.Path}";
            var located = new UserErrorException($"{place}\n  {exception.Message.ReplaceLineEndings("\n  ")}", exception);
            located.Data[LocatedKey] = true;
            throw located;
        }
        catch (Exception exception) when (exception is ArgumentException or ExternalException or OverflowException)
        {
            // What layers, the tensor library's among them, say of sizes that can't be.
            var place = bound.Path.Length == 0 ? $"{bound.Source}" : $"{bound.Source}  {bound.Path}";
            var located = new UserErrorException(
                $"{place}\n  {bound.Component.Name} can't be built with these options: {exception.Message.Split('\n')[0]}",
                exception
            );
            located.Data[LocatedKey] = true;
            throw located;
        }
    }

    private object? Argument(BoundComponent bound, ParameterShape parameter) =>
        parameter.Role switch
        {
            ParameterRole.Options => bound.Options,
            ParameterRole.Child => bound.Values.TryGetValue(parameter.Key!.Name, out var child)
                ? Materialize(child, parameter.Parameter.ParameterType)
            : parameter.Parameter.HasDefaultValue ? parameter.Parameter.DefaultValue
            : null,
            _ => Find(parameter.Parameter.ParameterType)
                ?? (
                    parameter.Parameter.HasDefaultValue
                        ? parameter.Parameter.DefaultValue
                        : throw new UserErrorException(ComponentErrors.NothingProvides(bound.Component, parameter.Parameter.ParameterType))
                ),
        };

    private object? Materialize(object? value, Type type)
    {
        switch (value)
        {
            case BoundComponent bound:
                return Build(bound);
            case BoundComponent[] list:
                var items = Array.CreateInstance(OptionTypes.ListType.ItemOf(type)!, list.Length);
                for (var i = 0; i < list.Length; i++)
                    items.SetValue(Build(list[i]), i);
                return items;
            case IReadOnlyDictionary<string, BoundComponent> map:
                var entries = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(type.GenericTypeArguments))!;
                foreach (var (key, bound) in map)
                    entries.Add(key, Build(bound));
                return entries;
            default:
                return value;
        }
    }

    /// <summary>What was built nearest before this, inside or outside; then what the caller gave; then services.</summary>
    private object? Find(Type type)
    {
        if (type == typeof(IServiceProvider))
            return services;
        for (var scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._built.FindLast(type.IsInstanceOfType) is { } found)
                return found;
        }

        return Array.FindLast(given, type.IsInstanceOfType) ?? services.GetService(type);
    }

    private ComponentConstruction? Parent { get; } = parent;
}
