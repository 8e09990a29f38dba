using System.Reflection;

namespace Tessera.Framework.Components;

/// <summary>What components get from their neighbours and builders: the <see cref="ReceivesAttribute"/> lines of all assemblies.</summary>
public sealed class PartTable
{
    private readonly List<ReceivesAttribute> _lines = [];
    private readonly HashSet<Assembly> _assemblies = [];

    /// <summary>Every line, in the order in which the assemblies state them.</summary>
    public IReadOnlyList<ReceivesAttribute> Lines => _lines;

    internal void Add(Assembly assembly)
    {
        if (_assemblies.Add(assembly))
            _lines.AddRange(assembly.GetCustomAttributes<ReceivesAttribute>());
    }

    /// <summary>Where a component gets a part of this type; null where it gets none.</summary>
    internal PartSource? Find(Type component, Type part)
    {
        var lines = _lines.Where(line => line.Part == part && line.Receiver.IsAssignableFrom(component)).ToList();
        return lines.Count == 0
            ? null
            : new PartSource(
                part,
                [.. lines.SelectMany(line => line.From).Distinct()],
                lines.Select(line => line.By).FirstOrDefault(by => by is not null)
            );
    }

    /// <summary>The types of what a component gets.</summary>
    internal IEnumerable<Type> For(Type component) =>
        _lines.Where(line => line.Receiver.IsAssignableFrom(component)).Select(line => line.Part).Distinct();

    /// <summary>Whether anyone gets a part of this type.</summary>
    internal bool Contains(Type type) => _lines.Exists(line => line.Part == type);
}

/// <summary>Where a part comes from.</summary>
/// <param name="From">Keys of the component around it, the first that is there first.</param>
/// <param name="By">Who hands it over otherwise; null where nobody does by rule.</param>
internal sealed record PartSource(Type Part, IReadOnlyList<string> From, string? By);
