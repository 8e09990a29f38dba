using System.Reflection;

namespace Tessera.Framework.Components;

/// <summary>The components of the assemblies added so far, by kind and name.</summary>
public sealed class ComponentRegistry
{
    private readonly Dictionary<(Type Kind, string Name), ComponentDescription> _components = [];
    private readonly Dictionary<Type, ComponentKind> _kinds = [];
    private readonly HashSet<Assembly> _assemblies = [];

    /// <summary>Every kind that has a component, by name.</summary>
    public IEnumerable<ComponentKind> Kinds => _kinds.Values.OrderBy(kind => kind.Name, StringComparer.Ordinal);

    /// <summary>Every component, by name.</summary>
    public IEnumerable<ComponentDescription> All =>
        _components.Values.OrderBy(component => component.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>Adds every <see cref="ComponentAttribute"/> class of the assembly; nothing where it has been added before.</summary>
    /// <returns>What was added.</returns>
    /// <exception cref="UserErrorException">A name is given twice in a kind, or a class has no kind.</exception>
    public IReadOnlyList<ComponentDescription> Add(Assembly assembly) => _assemblies.Add(assembly) ? AddTypes(assembly.GetTypes()) : [];

    /// <summary>Adds classes one by one, for tests.</summary>
    public IReadOnlyList<ComponentDescription> AddTypes(IEnumerable<Type> types)
    {
        var added = new List<ComponentDescription>();
        foreach (var type in types)
        {
            if (type.GetCustomAttribute<ComponentAttribute>() is not { } mark)
                continue;
            var kind = ComponentKind.Of(type) ?? throw new UserErrorException(ComponentErrors.NoKind(type));
            if (_components.TryGetValue((kind.Type, mark.Name), out var first))
                throw new UserErrorException(ComponentErrors.NameTwice(kind, mark.Name, first.Type, type));
            var component = new ComponentDescription(kind, mark.Name, type);
            _components.Add((kind.Type, mark.Name), component);
            _kinds.TryAdd(kind.Type, kind);
            added.Add(component);
        }

        return added;
    }

    public ComponentDescription? Find(ComponentKind kind, string name) => _components.GetValueOrDefault((kind.Type, name));

    /// <summary>The components that may stand where <paramref name="type"/> is expected, by name.</summary>
    public IEnumerable<ComponentDescription> For(Type type) => All.Where(component => type.IsAssignableFrom(component.Type));
}
