using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Tessera.Tests.Torch.Conformance;

/// <summary>The members of TorchSharp that Tessera's assemblies call, read from their IL.</summary>
internal static class UsedMembers
{
    private static readonly string[] s_assemblies = ["Tessera.Torch", "Tessera.Framework", "Tessera.Models", "Tessera.Datasets", "Tessera", "Tessera.Tools"];

    /// <summary>
    /// Each member once, written "declaring type::name", with the methods that call it. Generic arguments and overloads are left out; a property is
    /// named by its accessor (get_shape), a constructor .ctor. A lambda's method is the one it stands in.
    /// </summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> All()
    {
        var used = new SortedDictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        foreach (var name in s_assemblies)
        {
            using var assembly = AssemblyDefinition.ReadAssembly(Path.Combine(AppContext.BaseDirectory, $"{name}.dll"));
            foreach (var (member, caller) in Calls(assembly.MainModule))
            {
                if (!used.TryGetValue(member, out var callers)) used[member] = callers = new(StringComparer.Ordinal);
                callers.Add(caller);
            }
        }
        return used.ToDictionary(entry => entry.Key, entry => (IReadOnlyList<string>)[.. entry.Value], StringComparer.Ordinal);
    }

    private static IEnumerable<(string Member, string Caller)> Calls(ModuleDefinition module) =>
        from type in module.GetTypes()
        from method in type.Methods
        where method.HasBody
        from instruction in method.Body.Instructions
        let member = Member(instruction)
        where member is not null
        select (member, $"{type.FullName}.{method.Name}");

    private static string? Member(Instruction instruction) => instruction.Operand switch
    {
        MethodReference method when IsTorchSharp(method.DeclaringType) => $"{method.DeclaringType.GetElementType().FullName}::{method.Name}",
        FieldReference field when IsTorchSharp(field.DeclaringType) && !IsEnumeration(field) => $"{field.DeclaringType.GetElementType().FullName}::{field.Name}",
        _ => null,
    };

    private static bool IsTorchSharp(TypeReference type) => type.GetElementType().Scope.Name == "TorchSharp";

    private static bool IsEnumeration(FieldReference field) => field.FieldType.FullName == field.DeclaringType.FullName;
}
