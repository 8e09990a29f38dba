using Mono.Cecil;
namespace Tessera.Tests.Torch.Conformance;
public class DumpTests { [Fact] public void Dump() {
 var set = new SortedDictionary<string,int>(StringComparer.Ordinal);
 foreach (var n in new[]{"Tessera.Torch", "Tessera.Framework", "Tessera.Models", "Tessera.Datasets", "Tessera", "Tessera.Tools"}) {
  using var a = AssemblyDefinition.ReadAssembly(Path.Combine(AppContext.BaseDirectory, n + ".dll"));
  foreach (var t in a.MainModule.GetTypes()) foreach (var m in t.Methods) if (m.HasBody) foreach (var i in m.Body.Instructions) if (i.Operand is MethodReference r && r.DeclaringType.GetElementType().Scope.Name == "TorchSharp") {
    var s = r.DeclaringType.GetElementType().FullName + "::" + r.Name + "(" + string.Join(", ", r.Parameters.Select(p => p.ParameterType.Name.Replace("Nullable`1", p.ParameterType.FullName.Replace("System.", "").Replace("Nullable`1", "?")))) + ") " + r.ReturnType.Name; set[s] = set.GetValueOrDefault(s) + 1; } }
 File.WriteAllLines("/tmp/used_full.txt", set.Select(e => e.Value + " " + e.Key)); } }
