using System.Reflection;

namespace Tessera.Framework.Components;

/// <summary>A kind of component: a base class or interface marked with <see cref="ComponentKindAttribute"/>.</summary>
/// <param name="Type">The marked type.</param>
/// <param name="Name">In the singular: <c>backbone</c>.</param>
/// <param name="Plural">For lists: <c>backbones</c>.</param>
public sealed record ComponentKind(Type Type, string Name, string Plural)
{
    /// <summary>The kind that <paramref name="type"/> belongs to: that of its nearest marked base class, else of a marked interface; null
    /// where it has none.</summary>
    public static ComponentKind? Of(Type type)
    {
        for (var current = type; current is not null; current = current.BaseType)
        {
            if (Marked(current) is { } kind)
                return kind;
        }

        return type.GetInterfaces().Select(Marked).FirstOrDefault(kind => kind is not null);
    }

    private static ComponentKind? Marked(Type type) =>
        type.GetCustomAttribute<ComponentKindAttribute>(inherit: false) is { } mark
            ? new ComponentKind(type, mark.Name, mark.Plural)
            : null;
}
