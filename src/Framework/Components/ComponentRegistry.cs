using System.Reflection;

namespace Tessera.Framework.Components;

/// <summary>The components of the assemblies added so far, by kind and name.</summary>
public sealed class ComponentRegistry
{
    private readonly Dictionary<(Type Kind, string Name), ComponentDescription> _components = [];
    private readonly Dictionary<Type, ComponentKind> _kinds = [];
    private readonly HashSet<Assembly> _assemblies = [];
    private readonly SortedDictionary<string, Type> _sections = new(StringComparer.Ordinal);

    /// <summary>Every kind that has a component, by name.</summary>
    public IEnumerable<ComponentKind> Kinds => _kinds.Values.OrderBy(kind => kind.Name, StringComparer.Ordinal);

    /// <summary>Every component, by name.</summary>
    public IEnumerable<ComponentDescription> All =>
        _components.Values.OrderBy(component => component.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>What components get from their neighbours and builders.</summary>
    public PartTable Parts { get; } = new();

    /// <summary>The keys at a config's top that plugins read (<see cref="ConfigSectionAttribute"/>), each with its record.</summary>
    public IReadOnlyDictionary<string, Type> Sections => _sections;

    /// <summary>Adds every <see cref="ComponentAttribute"/> class of the assembly, its lines of the table of parts and its sections;
    /// nothing
    /// where it has been added before.</summary>
    /// <returns>The components that were added.</returns>
    /// <exception cref="UserErrorException">A name is given twice in a kind, a section twice, or a class has no kind.</exception>
    public IReadOnlyList<ComponentDescription> Add(Assembly assembly) => _assemblies.Add(assembly) ? AddTypes(assembly.GetTypes()) : [];

    /// <summary>Adds classes one by one, for tests.</summary>
    public IReadOnlyList<ComponentDescription> AddTypes(IEnumerable<Type> types)
    {
        var added = new List<ComponentDescription>();
        foreach (var type in types)
        {
            AddSection(type);
            if (type.GetCustomAttribute<ComponentAttribute>() is not { } mark)
                continue;
            var kind = ComponentKind.Of(type) ?? throw new UserErrorException(ComponentErrors.NoKind(type));
            Parts.Add(kind.Type.Assembly);
            Parts.Add(type.Assembly);
            if (_components.TryGetValue((kind.Type, mark.Name), out var first))
                throw new UserErrorException(ComponentErrors.NameTwice(kind, mark.Name, first.Type, type));
            var component = new ComponentDescription(kind, mark.Name, type, Parts);
            _components.Add((kind.Type, mark.Name), component);
            _kinds.TryAdd(kind.Type, kind);
            added.Add(component);
        }

        return added;
    }

    private void AddSection(Type type)
    {
        if (type.GetCustomAttribute<ConfigSectionAttribute>() is not { } section)
            return;
        if (_sections.TryGetValue(section.Key, out var other) && other != type)
            throw new UserErrorException(ComponentErrors.SectionTwice(section.Key, other, type));
        _sections[section.Key] = type;
    }

    public ComponentDescription? Find(ComponentKind kind, string name) => _components.GetValueOrDefault((kind.Type, name));

    /// <summary>The components that may stand where <paramref name="type"/> is expected, by name.</summary>
    public IEnumerable<ComponentDescription> For(Type type) => All.Where(component => type.IsAssignableFrom(component.Type));
}
