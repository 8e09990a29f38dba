using Mono.Cecil;

namespace Tessera.Tests.Tools.Architecture;

/// <summary>Which type of Tessera's knows which other, read from the compiled assemblies.</summary>
internal sealed class TypeReferences
{
    /// <summary>From the lowest to the highest.</summary>
    public static readonly string[] Assemblies =
    [
        "Tessera.Torch",
        "Tessera.Framework",
        "Tessera.Models",
        "Tessera.Datasets",
        "Tessera",
        "Tessera.Onnx",
        "Tessera.Tools",
    ];

    private readonly Dictionary<(Place From, Place To), SortedSet<string>> _arrows = [];

    private TypeReferences() { }

    /// <summary>A folder of an assembly.</summary>
    public readonly record struct Place(string Assembly, string Namespace)
    {
        /// <summary>The folder's first level: Tessera.Models.Detection.Heads is in the room Tessera.Models.Detection.</summary>
        public string Room => string.Join('.', Namespace.Split('.').Take(Assembly.Split('.').Length + 1));
    }

    /// <summary>Between places, with the types that make them: "Outer -> Inner".</summary>
    public IReadOnlyDictionary<(Place From, Place To), SortedSet<string>> Arrows => _arrows;

    /// <summary>All types that a type mentions, of whatever assembly: by full name.</summary>
    public Dictionary<string, HashSet<string>> Mentions { get; } = [];

    public static TypeReferences Read()
    {
        var read = new TypeReferences();
        using var resolver = new DefaultAssemblyResolver();
        resolver.AddSearchDirectory(AppContext.BaseDirectory);
        foreach (var name in Assemblies)
        {
            using var module = ModuleDefinition.ReadModule(
                Path.Combine(AppContext.BaseDirectory, name + ".dll"),
                new ReaderParameters { AssemblyResolver = resolver }
            );
            foreach (var type in module.GetTypes())
                read.Add(name, type);
        }
        return read;
    }

    private void Add(string assembly, TypeDefinition type)
    {
        var outer = Outermost(type);
        if (!outer.Namespace.StartsWith("Tessera", StringComparison.Ordinal) || outer.Name == "PrepareAtStart")
            return;
        foreach (var mentioned in Types(type))
        {
            if (!Mentions.TryGetValue(outer.FullName, out var all))
                Mentions[outer.FullName] = all = [];
            all.Add(mentioned.FullName);
            if (!mentioned.Namespace.StartsWith("Tessera", StringComparison.Ordinal))
                continue;
            var scope = mentioned is TypeDefinition ? assembly : mentioned.Scope.Name.Replace(".dll", "", StringComparison.Ordinal);
            var key = (new Place(assembly, outer.Namespace), new Place(scope, mentioned.Namespace));
            if (key.Item1 == key.Item2)
                continue;
            if (!_arrows.TryGetValue(key, out var pairs))
                _arrows[key] = pairs = [];
            pairs.Add($"{outer.Name} -> {mentioned.Name}");
        }
    }

    private static TypeReference Outermost(TypeReference type)
    {
        while (type.DeclaringType is { } outer)
            type = outer;
        return type;
    }

    private static IEnumerable<TypeReference> Types(TypeDefinition type) =>
        Mentioned(type).SelectMany(Parts).Select(Outermost).Where(found => found.FullName != Outermost(type).FullName);

    private static IEnumerable<TypeReference?> Mentioned(TypeDefinition type)
    {
        yield return type.BaseType;
        foreach (var part in type.Interfaces)
            yield return part.InterfaceType;
        foreach (var attribute in type.CustomAttributes.Concat(type.Properties.SelectMany(property => property.CustomAttributes)))
            yield return attribute.AttributeType;
        foreach (var field in type.Fields)
            yield return field.FieldType;
        foreach (var found in type.Methods.SelectMany(Mentioned))
            yield return found;
    }

    private static IEnumerable<TypeReference?> Mentioned(MethodDefinition method)
    {
        yield return method.ReturnType;
        foreach (var parameter in method.Parameters)
            yield return parameter.ParameterType;
        foreach (var constraint in method.GenericParameters.SelectMany(parameter => parameter.Constraints))
            yield return constraint.ConstraintType;
        if (!method.HasBody)
            yield break;
        foreach (var variable in method.Body.Variables)
            yield return variable.VariableType;
        foreach (var operand in method.Body.Instructions.Select(instruction => instruction.Operand))
        foreach (var found in Mentioned(operand))
            yield return found;
    }

    private static IEnumerable<TypeReference?> Mentioned(object? operand) =>
        operand switch
        {
            GenericInstanceMethod method => [.. method.GenericArguments, .. Mentioned((object)method.ElementMethod)],
            MethodReference method => [method.DeclaringType, method.ReturnType, .. method.Parameters.Select(part => part.ParameterType)],
            FieldReference field => [field.DeclaringType, field.FieldType],
            TypeReference type => [type],
            _ => [],
        };

    private static IEnumerable<TypeReference> Parts(TypeReference? type) =>
        type switch
        {
            null or GenericParameter => [],
            GenericInstanceType generic => [.. generic.GenericArguments.SelectMany(Parts), .. Parts(generic.ElementType)],
            TypeSpecification wrapped => Parts(wrapped.ElementType),
            _ => [type],
        };
}
