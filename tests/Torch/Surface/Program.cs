using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

// Compares the public surface of the libtorch provider with the real TorchSharp's: everything public in namespace TorchSharp here
// must be there, with the same parameter names, types and defaults. Prints the differences; the exit code is their presence.
if (args.Length != 1 || !File.Exists(args[0]))
{
    Console.Error.WriteLine("usage: check-surface PATH/TO/TorchSharp.dll");
    return 2;
}

const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
var ours = Assembly.Load("Tessera.Torch");
var theirs = Assembly.LoadFrom(Path.GetFullPath(args[0]));
var differences = new List<string>();
var compared = 0;

foreach (var type in ours.GetTypes().Where(t => t.IsVisible && t.Namespace is { } n && (n == "TorchSharp" || n.StartsWith("TorchSharp.", StringComparison.Ordinal))))
{
    var other = theirs.GetType(type.FullName!);
    if (other is null || !other.IsVisible)
    {
        differences.Add($"type {Name(type)}: not in TorchSharp");
        continue;
    }
    CompareType(type, other);
    var theirMembers = Members(other).GroupBy(Key).ToDictionary(g => g.Key, g => g.First());
    foreach (var member in Members(type))
    {
        compared++;
        var key = Key(member);
        if (theirMembers.TryGetValue(key, out var match)) CompareMember(type, member, match);
        else if (!Inherited(member, other)) differences.Add($"{Name(type)}: {Describe(member)} not in TorchSharp");
    }
}

foreach (var difference in differences.Order(StringComparer.Ordinal)) Console.WriteLine(difference);
Console.WriteLine($"{compared} members compared, {differences.Count} differences");
return differences.Count == 0 ? 0 : 1;

void CompareType(Type type, Type other)
{
    if (type.IsEnum)
        foreach (var name in Enum.GetNames(type))
            if (!Enum.GetNames(other).Contains(name) || Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture) != Convert.ToInt64(Enum.Parse(other, name), CultureInfo.InvariantCulture))
                differences.Add($"enum {Name(type)}.{name}: not in TorchSharp, or of another value");
    if (type.IsValueType != other.IsValueType || type.IsInterface != other.IsInterface || (type.IsAbstract && type.IsSealed) != (other.IsAbstract && other.IsSealed))
        differences.Add($"type {Name(type)}: another kind of type");
    if (type.BaseType is { } b && other.BaseType is { } ob && Name(b) != Name(ob)) differences.Add($"type {Name(type)}: derives from {Name(b)}, not {Name(ob)}");
}

void CompareMember(Type type, MemberInfo mine, MemberInfo match)
{
    var where = $"{Name(type)}: {Describe(mine)}";
    if (IsStatic(mine) != IsStatic(match)) differences.Add($"{where}: static in one only");
    if (Result(mine) is { } a && Result(match) is { } b && a != b) differences.Add($"{where}: gives {a}, not {b}");
    if (mine is PropertyInfo p && match is PropertyInfo q && p.SetMethod is { IsPublic: true } && q.SetMethod is not { IsPublic: true })
        differences.Add($"{where}: can be set here only");
    var (x, y) = (Parameters(mine), Parameters(match));
    for (var i = 0; i < x.Length; i++)
    {
        if (x[i].Name != y[i].Name) differences.Add($"{where}: parameter {i} is {x[i].Name}, not {y[i].Name}");
        if (Default(x[i]) != Default(y[i])) differences.Add($"{where}: {x[i].Name} defaults to {Default(x[i])}, not {Default(y[i])}");
        if (x[i].IsDefined(typeof(ParamArrayAttribute)) != y[i].IsDefined(typeof(ParamArrayAttribute))) differences.Add($"{where}: params differs for {x[i].Name}");
        if (x[i].IsOut != y[i].IsOut) differences.Add($"{where}: out differs for {x[i].Name}");
    }
}

static IEnumerable<MemberInfo> Members(Type type) =>
    type.IsEnum ? [] : type.GetMembers(Declared).Where(m => m switch
    {
        MethodInfo method => Visible(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)),
        ConstructorInfo constructor => Visible(constructor),
        PropertyInfo property => (property.GetMethod is { } g && Visible(g)) || (property.SetMethod is { } s && Visible(s)),
        FieldInfo field => field.IsPublic || field.IsFamily,
        _ => false,
    } && !m.IsDefined(typeof(CompilerGeneratedAttribute)) && m.Name != "Finalize");

static bool Visible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

// A member that a base type there declares, as an override of it would be.
static bool Inherited(MemberInfo member, Type other)
{
    for (var t = other.BaseType; t is not null; t = t.BaseType)
        if (Members(t).Any(m => Key(m) == Key(member))) return true;
    return member is ConstructorInfo && member.DeclaringType is { IsValueType: true };
}

static ParameterInfo[] Parameters(MemberInfo member) => member switch
{
    MethodBase method => method.GetParameters(),
    PropertyInfo property => property.GetIndexParameters(),
    _ => [],
};

static string? Result(MemberInfo member) => member switch
{
    MethodInfo method => Name(method.ReturnType),
    PropertyInfo property => Name(property.PropertyType),
    FieldInfo field => Name(field.FieldType),
    _ => null,
};

static bool IsStatic(MemberInfo member) => member switch
{
    MethodBase method => method.IsStatic,
    PropertyInfo property => (property.GetMethod ?? property.SetMethod)!.IsStatic,
    FieldInfo field => field.IsStatic,
    _ => false,
};

static string Default(ParameterInfo parameter) =>
    !parameter.HasDefaultValue ? "nothing" : parameter.RawDefaultValue is { } value ? Convert.ToString(value, CultureInfo.InvariantCulture)! : "null";

static string Key(MemberInfo member) =>
    $"{(member is PropertyInfo or FieldInfo ? "value" : "method")} {member.Name}`{(member is MethodInfo { IsGenericMethod: true } m ? m.GetGenericArguments().Length : 0)}"
    + $"({string.Join(",", Parameters(member).Select(p => Name(p.ParameterType)))}){(member.Name is "op_Implicit" or "op_Explicit" ? Result(member) : "")}";

static string Describe(MemberInfo member) => member is PropertyInfo or FieldInfo && Parameters(member).Length == 0 ? member.Name
    : $"{member.Name}({string.Join(", ", Parameters(member).Select(p => $"{Name(p.ParameterType)} {p.Name}"))})";

static string Name(Type type)
{
    if (type.IsByRef) return Name(type.GetElementType()!) + "&";
    if (type.IsArray) return Name(type.GetElementType()!) + "[" + new string(',', type.GetArrayRank() - 1) + "]";
    if (type.IsGenericParameter) return type.Name;
    var name = (type.DeclaringType is { } outer ? Name(outer.IsGenericTypeDefinition && !type.IsGenericTypeDefinition ? outer : outer) + "." : type.Namespace + ".") + type.Name.Split('`')[0];
    return type.IsGenericType ? $"{name}<{string.Join(",", type.GetGenericArguments().Select(Name))}>" : name;
}
